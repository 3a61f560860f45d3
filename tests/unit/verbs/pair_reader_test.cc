#include "verbs/pair_reader.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "verbs/dead_letter.h"

using namespace cairn;
using namespace cairn::verbs;

namespace {

// What a file says: "child>primary" for each line, or "!" and why not.
std::vector<std::string> read_all(const std::vector<std::string>& lines,
                                  const PairColumns& columns = {}) {
  PairReader reader(columns);
  std::vector<std::string> out;
  bool first = true;
  for (const std::string& line : lines) {
    if (first) {
      first = false;
      const auto header = reader.start(line);
      if (!header.ok()) return {"! " + header.error().message};
      if (*header) continue;
    }
    const auto pair = reader.read(line);
    out.push_back(pair.ok() ? pair->child + ">" + pair->primary : "! " + pair.error().message);
  }
  return out;
}

using Words = std::vector<std::string>;
const PairColumns kGraph{"issue_id", "master_id", true};

}  // namespace

TEST_CASE("pairs: CSV with and without a header") {
  CHECK(read_all({"SHOP-2,SHOP-1", "SHOP-3, SHOP-1"}) == Words{"SHOP-2>SHOP-1", "SHOP-3>SHOP-1"});
  CHECK(read_all({"child,primary", "b,a"}) == Words{"b>a"});
  CHECK(read_all({"primary,why,child", "a,\"same, again\",b"}) == Words{"b>a"});
  CHECK(read_all({"seq,issue_id,master_id", "1,12,10\r", "2,10,10"}, kGraph) ==
        Words{"12>10", "10>10"});
}

TEST_CASE("pairs: quoted fields") {
  CHECK(read_all({R"("b","a")"}) == Words{"b>a"});
  CHECK(read_all({R"( "say ""b""" , "a,1" )"}) == Words{R"(say "b">a,1)"});
  CHECK(read_all({"x,y", R"("b,a)", R"("b"x,a)", R"("",a)"}) ==
        Words{"x>y", "! a quote is not closed; a quoted field ends on its line, with a quote",
              "! text behind a closing quote; write \"\" for a quote inside a field",
              "! the child is empty"});
}

TEST_CASE("pairs: JSON Lines") {
  CHECK(read_all({R"({"child":"b","primary":"a"})", R"({"primary":7,"x":[1,{}],"child":12})",
                  R"( {"child":"\u0062\"","primary":"a"} )"}) == Words{"b>a", "12>7", "b\">a"});
  CHECK(read_all({R"({"issue_id":2,"master_id":"1"})"}, kGraph) == Words{"2>1"});
  const auto bad = read_all({R"({"child":"b"})", R"({"child":1.5,"primary":"a"})",
                             R"({"child":null,"primary":"a"})", R"({"child":"b","primary":""})",
                             R"({"child":"b","child":"c","primary":"a"})", R"({"child":"b",)"});
  REQUIRE(bad.size() == 6);
  CHECK(bad[0] == "! no \"primary\" in the line");
  CHECK(bad[1] == "! \"child\" is a number; it has to be a string or a whole number");
  CHECK(bad[2].find("null") != std::string::npos);
  CHECK(bad[3] == "! the primary is empty");
  CHECK(bad[4] == "! \"child\" is there twice");
  CHECK(bad[5].starts_with("! "));
}

TEST_CASE("pairs: lines of another form than the first are refused, one by one") {
  CHECK(read_all({"b,a", "b", "b,a,x", "", "c,a"}) ==
        Words{"b>a", "! 1 field instead of two, child,primary",
              "! 3 fields instead of two, child,primary", "! 1 field instead of two, child,primary",
              "c>a"});
  CHECK(read_all({"child,primary,x", "b,a"}) == Words{"! 2 fields instead of the header's 3"});
}

TEST_CASE("pairs: columns that were named have to be there") {
  const auto missing = read_all({"seq,id,master", "1,2,1"}, kGraph);
  REQUIRE(missing.size() == 1);
  CHECK(missing[0] ==
        "! the first line has no columns issue_id and master_id; it is: seq,id,master");
}

TEST_CASE("pairs: refused ones read back") {
  for (const PairColumns& columns : {PairColumns{}, kGraph}) {
    const Pair pair{"say \"b\", or \\", "a"};
    const std::string line = pair_json(pair, columns);
    const std::string entry =
        rejected_line({"f", 3, false, line, make_error(ErrorCode::NotFound, "unknown")});
    CHECK(read_all({entry, line}, columns) == Words{pair.child + ">a", pair.child + ">a"});
  }
  const std::string csv =
      rejected_line({"f", 3, false, "b,a", make_error(ErrorCode::NotFound, "unknown")});
  CHECK(read_all({csv}) == Words{"b>a"});
}
