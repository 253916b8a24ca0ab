/* Shared by the files that read the capture for the pages (data.c, data_group.c, data_zoom.c). */
#ifndef HAK_VIEWER_VIEW_DATA_PARTS_H
#define HAK_VIEWER_VIEW_DATA_PARTS_H

#include "viewer/view/data.h"

/* Says so; the status for it. */
int data_out_of_memory(void);
/* Did the person stop it? */
bool data_is_stopped(const struct data *data);
/* Forgets the places, which are labelled anew: for another filter, and where names have come
 * meanwhile. */
void data_forget_places(struct data *data);
/* Sets from and at of a question to the store: the span, or from the start to the moment. */
void data_set_moments(const struct data *data, struct profile_query *query);

/* data_zoom.c: reads the timeline of the zoomed span. A status; then the old one stays. */
int data_read_timeline(struct data *data);
/* data_zoom.c: where a part of the log is damaged, notes that and zooms to the events before it, or
 * to none. A status. */
int data_zoom_to_readable(struct data *data);
/* Hands the items that came and went before the zoomed span to `take`, with `context`. */
void data_visit_base(const struct data *data,
                     void (*take)(void *context, const struct profile_item *item), void *context);

#endif
