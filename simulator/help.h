/* help.h - what --help says besides the options. */
#ifndef SIM_HELP_H
#define SIM_HELP_H

extern const char help_summary[];

/* Below the options, one after the other. */
extern const char help_service[], help_control[], help_faults[];

#endif
