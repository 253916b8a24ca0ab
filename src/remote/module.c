/* The table of functions that hakmem-trace finds in hakmem_postgres.so. */
#include "remote/asking.h"
#include "remote/copy.h"
#include "remote/findings.h"
#include "remote/pulls.h"
#include "remote/reading.h"
#include "remote/remote.h"
#include "remote/schema.h"

__attribute__((visibility("default"))) const struct hak_remote hak_remote = {
    .abi = HAK_REMOTE_ABI,
    .open = hak_remote_open,
    .push = hak_remote_push,
    .setup = hak_remote_setup,
    .asking_open = hak_remote_asking_open,
    .ask = hak_remote_ask,
    .asking_close = hak_remote_asking_close,
    .begin_findings = hak_remote_begin_findings,
    .send_findings = hak_remote_send_findings,
    .send_pull = hak_remote_send_pull,
    .end_findings = hak_remote_end_findings,
};
