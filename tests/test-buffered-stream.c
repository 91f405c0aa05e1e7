/* SPDX-License-Identifier: MIT */

#include "base.h"
#include "stream-contract.h"

static CimplStream *
create_sized (TestBackend *backend, gsize buffer_size)
{
  g_autoptr (TestBase) base = test_base_new (backend);
  CimplStream *stream = cimpl_buffered_stream_new (CIMPL_STREAM (base), buffer_size);

  g_object_set (stream, "close-base", TRUE, NULL);
  return stream;
}

static CimplStream *
create_small (TestBackend *backend)
{
  return create_sized (backend, 1);
}

static CimplStream *
create_large (TestBackend *backend)
{
  return create_sized (backend, 0);
}

static const StreamContract contracts[] = {
  {
      .name = "buffered-stream/small",
      .create = create_small,
      .silent_code = CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
      .can_be_untouched = TRUE,
      .knows_position = TRUE,
  },
  {
      .name = "buffered-stream/large",
      .create = create_large,
      .silent_code = CIMPL_STREAM_ERROR_CALLBACK_CONTRACT,
      .can_be_untouched = TRUE,
      .knows_position = TRUE,
      .buffers = TRUE,
  },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (contracts); i++)
    stream_contract_add_tests (&contracts[i]);
  return g_test_run ();
}
