ln -s two tree/one
ln -s one tree/two
