mkfifo tree/pipe
