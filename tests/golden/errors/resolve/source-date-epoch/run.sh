SOURCE_DATE_EPOCH=yesterday fitout build --quiet
