ln -s ../../share/bad/missing tree/link
ln -s /opt/bad/x tree/other
printf '\177ELF\002\001\001' > tree/program
head -c 9 /dev/zero >> tree/program
printf '\003\000\267\000' >> tree/program
head -c 100 /dev/zero >> tree/program
