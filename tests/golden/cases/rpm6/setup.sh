ln tree/a.txt tree/b.txt
ln -s a.txt tree/link
