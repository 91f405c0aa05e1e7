"""Runs pytest and prints TAP, so that a Python test counts like a C one: tap_pytest.py [ARGUMENT...]"""

import sys

import pytest


class TapPlugin:
    """Prints one line of TAP per test; what pytest has to say follows as comments."""

    def __init__(self) -> None:
        self.count = 0

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        """Adds what the terminal plugin would, and what explains a failed assertion asks for."""
        parser.addoption("--verbose", type=int, default=0)

    def _print(self, verdict: str, name: str, remark: str = "") -> None:
        self.count += 1
        name = ascii(name)[1:-1].replace("#", "_")[:150]  # one line, whatever the parameters are
        print(f"{verdict} {self.count} {name}{remark}", flush=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._print("not ok", f"{report.nodeid} ({report.when})")
            for line in report.longreprtext.splitlines():
                print("#", line)
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.wasxfail
            self._print("ok", report.nodeid, f" # SKIP {reason}")
        elif report.when == "call":
            self._print("ok", report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._print("not ok", f"{report.nodeid} (collecting)")
            for line in report.longreprtext.splitlines():
                print("#", line)

    def pytest_sessionfinish(self) -> None:
        print(f"1..{self.count}", flush=True)


if __name__ == "__main__":
    arguments = ["-p", "no:terminal", "-p", "no:cacheprovider", *sys.argv[1:]]
    sys.exit(pytest.main(arguments, plugins=[TapPlugin()]))
