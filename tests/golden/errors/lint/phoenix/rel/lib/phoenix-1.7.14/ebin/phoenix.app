{application,phoenix,[{vsn,"1.7.14"}]}.
