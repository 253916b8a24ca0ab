/* The scenarios that are checked, in the order in which they are listed. */
#include "engine.h"

extern const struct scenario scenario_cross;
extern const struct scenario scenario_idle;
extern const struct scenario scenario_adopt;
extern const struct scenario scenario_post;
extern const struct scenario scenario_idle3;
extern const struct scenario scenario_partial;
extern const struct scenario scenario_shared;
extern const struct scenario scenario_trim;
extern const struct scenario scenario_claim;
extern const struct scenario scenario_full;
extern const struct scenario scenario_back;
extern const struct scenario scenario_keep;
extern const struct scenario scenario_map;
extern const struct scenario scenario_cut;
extern const struct scenario scenario_rest;
extern const struct scenario scenario_help;
extern const struct scenario scenario_adopt3;
extern const struct scenario scenario_ring;
extern const struct scenario scenario_heir;
extern const struct scenario scenario_refill;
extern const struct scenario scenario_lookup;
extern const struct scenario scenario_lock;

const struct scenario *const scenarios[] = {&scenario_cross,
                                            &scenario_idle,
                                            &scenario_adopt,
                                            &scenario_post,
                                            &scenario_idle3,
                                            &scenario_partial,
                                            &scenario_shared,
                                            &scenario_trim,
                                            &scenario_claim,
                                            &scenario_full,
                                            &scenario_back,
                                            &scenario_keep,
                                            &scenario_map,
                                            &scenario_cut,
                                            &scenario_rest,
                                            &scenario_help,
                                            &scenario_adopt3,
                                            &scenario_ring,
                                            &scenario_heir,
                                            &scenario_refill,
                                            &scenario_lookup,
                                            &scenario_lock,
                                            NULL};
