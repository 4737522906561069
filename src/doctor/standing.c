#include "doctor/doctor.h"
