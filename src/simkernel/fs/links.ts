/** How many symbolic links a path may lead through (include/linux/namei.h). */
export const MAXSYMLINKS = 40;
