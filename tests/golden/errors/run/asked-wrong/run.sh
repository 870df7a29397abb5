SOURCE_DATE_EPOCH=yesterday fitout build --quiet --target x86_64 --format deb
