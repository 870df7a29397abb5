# What git does not carry, or not everywhere: links, empty folders, a folder without rights for others, odd names.
cd app
mkdir -p empty/within lib/private
chmod 0700 lib/private
echo secret >lib/private/key
ln lib/kept.txt lib/again.txt
ln lib/kept.txt lib/zero.txt
ln -s kept.txt lib/link
ln -s ../lib lib/up
ln -s /usr/share/zoneinfo lib/system
echo name >"lib/Grüße, 世界.txt"
echo name >"lib/with blank and 'quote'"
# 113 bytes of name, over the 100 of a tar header, and a path of over 255 bytes.
long=$(printf 'n%.0s' $(seq 100))
echo long >"lib/long-name-$long"
mkdir -p "deep/$long/$long"
echo deep >"deep/$long/$long/$long"
ln -s "../$long/$long" "deep/$long/link"
