fitout build --quiet --out made >built
head -c 700 made/bad_1.0.0_all.deb >short.deb
fitout inspect short.deb
