mkfifo tree/pipe
ln -s nowhere tree/link
