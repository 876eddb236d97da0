/* Sequences can be indexed and cut: in C they are arrays and strings, and need no iterator. */
#include <stdio.h>

int main(void)
{
    const int numbers[] = {1, 2, 3, 4, 5};
    const char letters[] = {'a', 'b', 'c'};
    const char characters[] = "habristhebestsiteever";

    printf("%d\n", numbers[1]);
    printf("'%c'\n", letters[2]);
    printf("'%c'\n", characters[11]);
    printf("'%.4s'\n", characters);
    return 0;
}
