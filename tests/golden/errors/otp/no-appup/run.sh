fitout release relup r1 r2
