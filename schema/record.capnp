@0xd3b0c5a1e7f24a69;
$import "/capnp/c++.capnp".namespace("cairn::schema");
struct Frame { records @0 :List(Record); }
struct Record { time @0 :Int64; }
