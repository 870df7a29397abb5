ln -s ../../outside tree/climbs
ln -s /data/other/place tree/elsewhere
ln -s "$PWD/tree/a" tree/here
