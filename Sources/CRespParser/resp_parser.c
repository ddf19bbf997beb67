#include "CRespParser.h"
typedef int crp_placeholder;
