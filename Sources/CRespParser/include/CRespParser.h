#ifndef CRESPPARSER_H
#define CRESPPARSER_H
#endif
