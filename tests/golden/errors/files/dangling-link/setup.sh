ln -s nowhere tree/link
