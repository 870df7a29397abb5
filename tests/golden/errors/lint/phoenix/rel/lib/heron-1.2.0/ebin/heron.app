{application,heron,[{description,"Herons"},{vsn,"1.2.0"}]}.
