/* Findings by fingerprint: for the list, one finding's page, baselines and the HTML page. */
#ifndef HAK_VIEWER_FLEET_FINDINGS_H
#define HAK_VIEWER_FLEET_FINDINGS_H

#include "base/json.h"
#include "viewer/fleet/ask.h"

/* A run in which it was seen: foreign texts. */
struct fleet_seen {
    const char *build, *version;
    int64_t seconds; /* since 1970 */
};

struct fleet_finding {
    const char *fingerprint, *name, *headline, *place, *program; /* foreign, of the newest run */
    struct fleet_seen first, last;
    uint64_t code;
    uint64_t count, estimate; /* as it was seen; as sampling makes it likely */
    uint64_t runs, hosts, builds;
    uint64_t all; /* findings that match, whatever the limit */
};

/* Gives each finding that the options mean, the most harmful first; `fingerprint` NULL: of all. 0,
 * or an exit status: the error is printed. */
int fleet_read_findings(struct fleet *fleet, const char *fingerprint,
                        void (*each)(void *context, const struct fleet_finding *finding),
                        void *context);

/* A finding as JSON, as all documents of findings have it. */
json_t *fleet_json_finding(const struct fleet_finding *finding);

#endif
