/* SPDX-License-Identifier: MIT */
#pragma once

#define CIMPL_INSIDE
#include <cimplstream/cimpl-buffered-stream.h>
#include <cimplstream/cimpl-callback-stream.h>
#include <cimplstream/cimpl-dispatch-stream.h>
#include <cimplstream/cimpl-enum-types.h>
#include <cimplstream/cimpl-fault-stream.h>
#include <cimplstream/cimpl-file-stream.h>
#include <cimplstream/cimpl-filter-stream.h>
#include <cimplstream/cimpl-gio-stream.h>
#include <cimplstream/cimpl-input-stream.h>
#include <cimplstream/cimpl-io-stream.h>
#include <cimplstream/cimpl-memory-stream.h>
#include <cimplstream/cimpl-output-stream.h>
#include <cimplstream/cimpl-stream-error.h>
#include <cimplstream/cimpl-stream.h>
#include <cimplstream/cimpl-version.h>
#undef CIMPL_INSIDE
