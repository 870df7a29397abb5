{application,line,
 [{vsn,"1.0.0"},
  {description,"It is cut off}]}.
