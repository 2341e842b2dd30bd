/* no_reducer.c - a shared object that is something else. */

extern int varve_reducers;
int varve_reducers;
