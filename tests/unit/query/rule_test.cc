#include "query/rule.h"

#include <catch2/catch.hpp>

#include "support/shop.h"

using namespace cairn;
using namespace cairn::query;
using cairn::testing::must;

namespace {

Error refused(std::string_view text) {
  auto rule = parse_rule(text);
  REQUIRE_FALSE(rule.ok());
  return rule.error();
}

// "1<2,3 4<5" for the links of a rule: views and children by number, cuts with a minus.
std::string found(testing::Shop& shop, std::string_view text,
                  const model::Overlay* overlay = nullptr) {
  View view = shop.view();
  std::vector<GroupId> roots;
  if (overlay != nullptr) {
    view.overlay = overlay;
    roots = overlay->roots_by_fingerprint(shop.state());
    view.root_of_fingerprint = roots;
  }
  const RuleFindings findings = must(evaluate(view, must(parse_rule(text)), shop.options().now));
  std::string out;
  const auto list = [&](const model::ViewLinks& links, char sign) {
    links.for_each_view([&](GroupId shown_in, std::span<const GroupId> children) {
      out += (out.empty() ? "" : " ") + std::to_string(shop.state().group(shown_in).number) + sign;
      for (const GroupId child : children) {
        out += std::to_string(shop.state().group(child).number) + ',';
      }
      out.pop_back();
    });
  };
  list(findings.links.cuts, '-');
  list(findings.links.merges, '<');
  return out;
}

void see(testing::Shop& shop, const std::string& fine, const std::string& coarse,
         const std::string& tag, int times = 1, const std::string& level = "error",
         uint64_t project = 1) {
  for (int i = 0; i < times; ++i) {
    model::Occurrence occurrence;
    occurrence.id.bytes[0] = static_cast<uint8_t>(shop.stored().size());
    occurrence.id.bytes[1] = static_cast<uint8_t>(shop.stored().size() >> 8);
    occurrence.project = ProjectId{project};
    occurrence.fingerprint = {fine, coarse};
    occurrence.title = "Error of " + fine;
    occurrence.culprit = coarse;
    occurrence.level_text = level;
    occurrence.type = 1;
    occurrence.detection_time = 1'700'000'000 + static_cast<double>(shop.stored().size());
    occurrence.event = tag.empty() ? "{}" : R"({"tags":{"part":")" + tag + R"("}})";
    shop.add(occurrence);
  }
}

}  // namespace

TEST_CASE("rules are read, and what is none is told where") {
  const Rule rule =
      must(parse_rule("merge where level:error by fingerprint[2], tags[part] "
                      "into times_seen:>10"));
  CHECK_FALSE(rule.unmerge);
  REQUIRE(rule.keys.size() == 2);
  CHECK(rule.keys[0].name == "fingerprint[2]");
  CHECK(rule.keys[1].event.tag == "part");
  CHECK(rule.into.has_value());
  CHECK(must(parse_rule("merge by title")).where.has_value());
  // `by` within quotes and parentheses belongs to the query.
  CHECK(must(parse_rule("merge where \"made by hand\" by level")).keys.size() == 1);
  CHECK(must(parse_rule("merge where (title by hand) by level")).keys.front().name == "level");
  CHECK(must(parse_rule("unmerge where issue:SHOP-1")).unmerge);
  CHECK(must(parse_rule("merge SHOP-1 SHOP-2")).issues.size() == 2);

  CHECK(refused("").position == 0);
  CHECK(refused("fuse SHOP-1 SHOP-2").position == 0);
  CHECK(refused("merge where level:error").position == 23);
  CHECK(refused("merge where by level").position == 12);
  CHECK(refused("merge where level:error by").position == 26);
  CHECK(refused("merge by fingerprint").position == 9);
  CHECK(refused("merge by fingerprint[9]").position == 9);
  CHECK(refused("merge by fingerprint[2] level").position == 24);
  CHECK(refused("merge by age").position == 9);
  CHECK(refused("merge by user.id").position == 9);
  CHECK(refused("merge by level into").position == 19);
  CHECK(refused("merge where level:error AND by level").position.has_value());
  CHECK(refused("merge where level:error | count() by level").position == 24);
  CHECK(refused("merge where \"open by level").position == 12);
  CHECK(refused("merge by level, level, level, level, level").position.has_value());
  CHECK(refused("merge SHOP-1").position == 12);
  CHECK(refused("unmerge").position == 7);
}

TEST_CASE("errors of a rule's query point into the rule") {
  testing::Shop shop;
  see(shop, "a", "x", "");
  auto result =
      evaluate(shop.view(), must(parse_rule("merge where is:unresolvd by level")), TimeUs{});
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().position == 15);
}

TEST_CASE("issues alike in a key become one, the largest on top") {
  for (const bool sealed : {false, true}) {
    CAPTURE(sealed);
    testing::Shop shop;
    see(shop, "a", "x", "", 2);              // 1
    see(shop, "b", "x", "", 5);              // 2
    see(shop, "c", "y", "", 1);              // 3
    see(shop, "d", "y", "", 1, "fatal");     // 4
    see(shop, "e", "z", "", 9);              // 5
    see(shop, "f", "x", "", 1, "error", 2);  // another project
    if (sealed) shop.seal();
    CHECK(found(shop, "merge by fingerprint[2]") == "2<1 3<4");
    CHECK(found(shop, "merge by culprit") == "2<1 3<4");
    CHECK(found(shop, "merge by culprit, level") == "2<1");
    CHECK(found(shop, "merge where level:error by fingerprint[2]") == "2<1");
    CHECK(found(shop, "merge by title") == "");
    CHECK(found(shop, "merge by fingerprint[1]") == "");
    CHECK(found(shop, "merge by fingerprint[3]") == "");
    CHECK(found(shop, "merge by nothing_like_it") == "");
    CHECK(found(shop, "merge by type") == "5<2,1,3,4");
    CHECK(found(shop, "merge where times_seen:<5 by type into times_seen:>=5") == "5<1,3,4");
    CHECK(found(shop, "merge where times_seen:<5 by fingerprint[2] into times_seen:>=5") == "2<1");
    CHECK(found(shop, "merge where times_seen:<6 by type into is:unresolved") == "5<2,1,3,4");
  }
}

TEST_CASE("an issue's value is its most frequent one, ties go to the smallest text") {
  testing::Shop shop;
  see(shop, "a", "x", "left", 2);
  see(shop, "a", "x", "right", 3);
  see(shop, "b", "x", "right", 1);
  see(shop, "b", "x", "left", 1);
  see(shop, "c", "x", "left", 1);
  see(shop, "d", "x", "right", 1);
  see(shop, "e", "x", "", 4);  // has none: stays alone
  CHECK(found(shop, "merge by tags[part]") == "1<4 2<3");
  const RuleFindings findings =
      must(evaluate(shop.view(), must(parse_rule("merge by tags[part]")), TimeUs{}));
  CHECK(findings.issues == 5);
  CHECK(findings.without_key == 1);
  CHECK(findings.views == 2);
  CHECK(findings.occurrences == 2);
  // Only matching occurrences have a say.
  CHECK(found(shop, "merge where part:left by tags[part]") == "1<2,3");
}

TEST_CASE("groups with a match leave what shows them") {
  testing::Shop shop;
  see(shop, "a", "x", "left", 3);
  see(shop, "b", "x", "left", 2);
  see(shop, "c", "x", "right", 1);
  shop.command(model::MergeCommand{GroupId{1}, {GroupId{2}, GroupId{3}}});
  CHECK(found(shop, "unmerge where part:right") == "1-3");
  CHECK(found(shop, "unmerge where issue:SHOP-1") == "1-2,3");
  CHECK(found(shop, "unmerge SHOP-1 SHOP-3") == "1-3");
  CHECK(found(shop, "unmerge SHOP-1") == "1-2,3");
  CHECK(found(shop, "unmerge SHOP-2") == "");
  CHECK(found(shop, "merge SHOP-2 SHOP-3") == "");  // both are in SHOP-1 already
  auto none = evaluate(shop.view(), must(parse_rule("unmerge SHOP-2 SHOP-1")), TimeUs{});
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().position == 15);
}

TEST_CASE("in an experiment a rule sees what the experiment shows") {
  testing::Shop shop;
  see(shop, "a", "x", "", 2);
  see(shop, "b", "x", "", 1);
  see(shop, "c", "y", "", 2);
  see(shop, "d", "y", "", 5);
  model::Experiment experiment;
  experiment.steps.emplace_back();
  experiment.steps.back().facts.merges.add(GroupId{2}, GroupId{3});
  const model::Overlay overlay(shop.state(), experiment);
  // 2 shows 3: three occurrences, two of them with y.
  CHECK(found(shop, "merge by fingerprint[2]", &overlay) == "4<2");
  CHECK(found(shop, "merge where times_seen:3 by level into times_seen:2", &overlay) == "1<2");
}
