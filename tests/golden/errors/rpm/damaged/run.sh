# The lead of a package and nothing behind it.
printf '\355\253\356\333\003\000\000\000\000\001bad' >short.rpm
fitout inspect short.rpm
