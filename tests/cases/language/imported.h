#define LIMIT 21
enum colour { POINT_RED = 7, POINT_BLUE };
struct point { int x; long y; };
