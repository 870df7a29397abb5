{application, hello,
 [{vsn, "1.4.0"},
  {modules, []},
  {applications, [kernel, stdlb, gardn, lamp]},
  {optional_applications, [lamp]},
  {included_applications, [cupboard]}]}.
