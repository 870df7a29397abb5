{application, hello,
 [{vsn, "1.4.0"},
  {modules, [hello, hello_words]},
  {registered, [greeter]},
  {applications, [kernel, stdlib, cellar]},
  {mod, {helo, []}}]}.
