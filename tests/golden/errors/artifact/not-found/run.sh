fitout inspect nothing_1.0_all.deb
