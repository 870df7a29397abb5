echo no first line
