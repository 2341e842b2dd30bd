/* version.h - what this build calls itself, in `--version`, in HELLO and in the log. */
#ifndef VARVE_VERSION_H
#define VARVE_VERSION_H

#define VARVE_VERSION "0.1.0"

#endif
