/* The settings that memory learning changes, by the numbers that the record LEARN carries (its
 * value is the setting's number << 32 | the new value). Numbers never change their meaning; add at
 * the end.
 *
 *   LEARN_SETTING(NAME, number, "words, with the unit of the value") */
LEARN_SETTING(HUGE_PAGES, 1, "huge pages for SuperSlabs, 0 or 1")
LEARN_SETTING(PURGE_DELAY, 2, "delay before pages go back, in 2^20 ticks of the clock")
LEARN_SETTING(PATIENCE, 3, "windows that a free slab keeps its pages unused")
#undef LEARN_SETTING
