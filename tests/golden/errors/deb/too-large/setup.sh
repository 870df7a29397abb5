# Two files of 6 GB without blocks: each could stand in a .deb, both cannot.
mkdir tree
truncate -s 6000000000 tree/one tree/two
