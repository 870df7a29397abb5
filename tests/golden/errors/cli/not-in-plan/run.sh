fitout explain /usr/share/bad/helo
