/* A program that the runtime talks to: it says each line twice over. */
#include <stdio.h>
#include <string.h>

int main(void)
{
	char line[80];

	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		printf("%s-%s\n", line, line);
		fflush(stdout);
	}
	return 0;
}
