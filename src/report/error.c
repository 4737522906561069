#include "report/report.h"

G_DEFINE_QUARK(m365keep_report_error, report_error)
