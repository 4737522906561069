/* base - what every room uses and GLib lacks. The room's one public header: it only gathers its parts. */
#ifndef M365KEEP_BASE_H
#define M365KEEP_BASE_H

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/timestamp.h"

#endif
