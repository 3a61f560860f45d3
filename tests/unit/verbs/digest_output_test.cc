// What a digest shows, as text, page and JSON. The golden files are tests/golden/digest;
// CAIRN_RENEW=1 writes them anew, to be looked at before they are committed.
#include "verbs/digest_output.h"

#include <algorithm>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "support/digest_shop.h"
#include "verbs/digest_source.h"

using namespace cairn;
using namespace cairn::verbs;

namespace {

void check_golden(const std::string& name, const std::string& said) {
  // Compilers are given paths relative to the build directory, where tests run.
  const auto path = std::filesystem::path(__FILE__).parent_path() / "../../golden/digest" / name;
  if (std::getenv("CAIRN_RENEW") != nullptr) std::ofstream(path, std::ios::binary) << said;
  std::ostringstream expected;
  expected << std::ifstream(path, std::ios::binary).rdbuf();
  INFO("in " << path);
  CHECK(said == expected.str());
}

alert::Digest digest_for(const testing::DigestShop& shop, const DigestSelection& selection = {},
                         const Rights& rights = {}) {
  const auto snapshot = shop.store().snapshot();
  REQUIRE(snapshot.ok());
  const DigestQuestion question{
      selection, rights, {shop.before(24 * 60), testing::DigestShop::now(), 25}};
  auto digest = digest_of(**snapshot, shop.notifications(), question,
                          [&](uint32_t number) { return shop.find_rule(number); }, {});
  if (!digest.ok()) FAIL(digest.error().message);
  return *std::move(digest);
}

bool has(const std::string& text, std::string_view piece) {
  return text.find(piece) != std::string::npos;
}

}  // namespace

TEST_CASE("the digest of the fixed store") {
  const testing::DigestShop shop;
  const alert::Digest digest = digest_for(shop);
  const DigestReport report{digest, "on call", 25, Lsn{42}};
  Terminal terminal;
  terminal.utf8 = true;
  check_golden("wide.txt", digest_text(report, terminal));
  check_golden("page.html", digest_html(report));
  check_golden("answer.json", digest_json(report) + "\n");
  terminal.utf8 = false;
  terminal.width = 60;
  check_golden("narrow.txt", digest_text({digest, "", 2, Lsn{42}}, terminal));
}

namespace {

// One issue with this said in every text of it.
alert::Digest digest_saying(const std::string& said) {
  alert::Digest digest;
  digest.from = testing::DigestShop::before(1440);
  digest.until = testing::DigestShop::now();
  digest.chart = alert::chart_over(digest.from, digest.until);
  digest.records = 1;
  alert::DigestIssue issue;
  issue.id = GroupId{1};
  issue.short_id = issue.title = issue.culprit = issue.project = said;
  issue.counts = {1, 1};
  issue.trend = std::vector<uint64_t>(digest.chart.count, 1);
  digest.issues.push_back(issue);
  digest.rules.push_back({1, said, {{0, 1}}});
  return digest;
}

// Every element of the page, "<" to ">", is one of those that we write.
void check_tags(const std::string& page) {
  static const std::vector<std::string> kOurs = {
      "!DOCTYPE", "html", "head", "meta",   "title",      "style",   "body", "header", "svg",
      "ellipse",  "div",  "h1",   "p",      "span",       "time",    "bdi",  "main",   "ul",
      "li",       "b",    "path", "figure", "figcaption", "section", "h2",   "ol",     "footer"};
  size_t tags = 0;
  for (size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    size_t begin = at + 1;
    if (page[begin] == '/') ++begin;
    const size_t end = page.find_first_of(" >\n", begin);
    REQUIRE(end != std::string::npos);
    const std::string name = page.substr(begin, end - begin);
    INFO("tag " << name);
    CHECK(std::find(kOurs.begin(), kOurs.end(), name) != kOurs.end());
    const std::string tag = page.substr(at, page.find('>', at) - at);
    INFO(tag);
    for (const char* bad : {" on", "javascript:", " href", " src", " style="}) {
      CHECK_FALSE(has(tag, bad));
    }
    ++tags;
  }
  CHECK(tags > 50);
}

}  // namespace

TEST_CASE("nothing that is said gets out of its place in the page") {
  const std::vector<std::string> all = {
      "<script>alert(1)</script>",
      "</title><script src=//evil.example></script>",
      "\"><img src=x onerror=alert(1)>",
      "' onload='alert(1)",
      "</style><style>* { background: url(//evil.example) }</style>",
      "<!-- --> <![CDATA[ ]]> <?php",
      "&lt;script&gt;",
      "{0} {} %s",
      "<scr\x01ipt>",
      "<scr<script>ipt>",
      "\xf0\x80\x80\xbcscript>",  // "<" in too many bytes
      "\xc0\xbcscript\xc0\xbe",
      "+ADw-script+AD4-",
      "\xef\xbc\x9cscript\xef\xbc\x9e",
      std::string("nul\0in <b>it", 13),
  };
  for (const std::string& said : all) {
    INFO(said);
    const alert::Digest digest = digest_saying(said);
    const std::string page = digest_html({digest, said, 10, Lsn{1}});
    check_tags(page);
    CHECK_FALSE(has(page, "<script"));
    CHECK_FALSE(has(page, "<img"));
    CHECK(has(page, "default-src 'none'"));
  }
  const std::string page = digest_html({digest_saying("<b>\"1\" & '2'</b>"), "<i>", 10, Lsn{1}});
  CHECK(has(page, "&lt;b&gt;&quot;1&quot; &amp; &#39;2&#39;&lt;/b&gt;"));
  CHECK(has(page, "<bdi>&lt;i&gt;</bdi>"));
}

TEST_CASE("marks that turn text around and signs nobody sees are taken out") {
  const std::string turned =
      "a\xe2\x80\xae"
      "b\xe2\x80\xac"
      "c\xe2\x81\xa6"
      "d\xe2\x81\xa9"
      "e\x1b[31m\x07\x7f\xc2\x9b\xff";
  const std::string rtl = "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d";
  for (const std::string& said :
       {digest_html({digest_saying(turned + rtl), "", 10, Lsn{1}}),
        digest_text({digest_saying(turned + rtl), "", 10, Lsn{1}}, Terminal{.utf8 = true})}) {
    for (const char* bad : {"\xe2\x80\xae", "\xe2\x80\xac", "\xe2\x81\xa6", "\xe2\x81\xa9", "\x1b",
                            "\x07", "\x7f", "\xc2\x9b", "\xff"}) {
      CHECK_FALSE(has(said, bad));
    }
    CHECK(has(said, rtl));
  }
  // What is written from right to left turns nothing beside it.
  CHECK(has(digest_html({digest_saying(rtl), "", 10, Lsn{1}}), "dir=\"auto\">" + rtl));
}

TEST_CASE("long texts and long digests are cut, and say so") {
  alert::Digest digest = digest_saying(std::string(100'000, 'x'));
  CHECK(digest_html({digest, "", 10, Lsn{1}}).size() < 10'000);
  for (uint32_t rule = 2; rule <= 150; ++rule) {
    digest.rules.push_back({rule, "more", {{0, 1}, {0, 1}, {0, 1}}});
  }
  const DigestReport report{digest, "", 2, Lsn{1}};
  const auto shown = shown_rules(report);
  CHECK(shown.size() == kMaxDigestRules);
  for (const std::string& said : {digest_html(report), digest_text(report, {})}) {
    CHECK(has(said, "50 more rules had fewer issues each and are not shown."));
    CHECK(has(said, "and 1 more issue"));
    CHECK_FALSE(has(said, "and 3 more"));
  }
  digest.rules.clear();
  for (uint32_t rule = 1; rule <= 3; ++rule) {
    digest.rules.push_back({rule, "many", std::vector<alert::DigestRule::Entry>(900)});
  }
  const auto within = shown_rules({digest, "", 1000, Lsn{1}});
  REQUIRE(within.size() == 3);
  CHECK(within[0].shown == 900);
  CHECK(within[2].shown == 200);
}

TEST_CASE("a digest without alerts says so") {
  alert::Digest digest;
  digest.until = TimeUs{86400 * kMicrosPerSecond};
  digest.chart = alert::chart_over(digest.from, digest.until);
  CHECK(digest_text({digest, "", 10, Lsn{1}}, {}) ==
        "Digest, 1970-01-01 00:00 to 1970-01-02 00:00 UTC\nno alerts about unresolved issues\n");
  CHECK(has(digest_html({digest, "", 10, Lsn{1}}), "No alerts about unresolved issues."));
  CHECK(digest_json({digest, "", 10, Lsn{1}}) ==
        R"({"lsn":1,"from":"1970-01-01T00:00:00Z","until":"1970-01-02T00:00:00Z","first":null,)"
        R"("last":null,"alerts":0,"issues":0,"left_out":{"gone":0,"not_unresolved":0,"older":0},)"
        R"("trend_begin":"1970-01-01T00:00:00Z","trend_bucket_seconds":3600,"rules":[]})");
}
