# A .deb whose data is compressed with bzip2, as dpkg could write it until 2013.
{
	printf '!<arch>\n'
	printf '%-16s%-12s%-6s%-6s%-8s%-10s`\n' debian-binary 0 0 0 100644 4
	printf '2.0\n'
	printf '%-16s%-12s%-6s%-6s%-8s%-10s`\n' control.tar.bz2 0 0 0 100644 4
	printf 'BZh9'
} >old.deb
fitout inspect old.deb
