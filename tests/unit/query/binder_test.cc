// What each construct means, and what is said about wrong ones. Answers are counts of matching
// occurrences over a head and a segment.
#include "query/binder.h"

#include <catch2/catch.hpp>

#include "support/shop.h"

namespace cairn::testing {
namespace {

// Three issues: SHOP-1 of two production occurrences, SHOP-2 of one in staging, SHOP-3 of another
// type; SHOP-2 resolved, SHOP-3 archived.
class Filters : public Shop {
 public:
  Filters() {
    event({"a", "2026-11-20T10:00:00Z", "Cannot pay", "error",
           R"("environment":"production","release":"1.0","user":{"id":"7"},
              "tags":{"browser":"Chrome 120","size":"12"},
              "exception":{"values":[{"type":"IoError"},{"type":"Timeout"}]})"});
    event({"b", "2026-11-21T11:00:00Z", "cannot Pay twice", "fatal",
           R"("environment":"staging","release":"1.1","user":{"email":"a@b.c"},
              "tags":{"browser":"chrome 1","size":"7.5"})"});
    seal();
    event({"a", "2026-11-21T11:30:00Z", "Cannot pay", "error",
           R"("environment":"production","tags":{"release.stage":">5","environment":"odd"},
              "logentry":{"formatted":"Out of *stars*"})"});
    event({"c", "2026-10-01T00:00:00Z", "Report", "info", R"("platform":"web")", 1, 6001});
    command(model::SetStatusCommand{GroupId{2}, model::Status::Resolved, {}});
    command(model::SetStatusCommand{GroupId{3}, model::Status::Ignored, model::Substatus::Forever});
    command(model::AssignCommand{GroupId{1}, "user:42"});
    command(model::AssignCommand{GroupId{2}, "team:3"});
  }
};

TEST_CASE_METHOD(Filters, "values of event fields are exact and case-sensitive") {
  CHECK(count("") == 4);
  CHECK(count("level:error") == 2);
  CHECK(count("level:Error") == 0);
  CHECK(count("!level:error") == 2);
  CHECK(count("level:[error, fatal]") == 3);
  CHECK(count("!level:[error, fatal]") == 1);
  CHECK(count("env:production") == 2);
  CHECK(count("environment:production") == 2);
  CHECK(count(R"(browser:"Chrome 120")") == 1);
  CHECK(count(R"(title:"cannot pay")") == 0);
  CHECK(count("never_seen:x") == 0);
  CHECK(count("!never_seen:x") == 4);
}

TEST_CASE_METHOD(Filters, "a name in tags[] is always the tag") {
  CHECK(count("tags[environment]:odd") == 1);
  CHECK(count("environment:odd") == 0);
  CHECK(count("tags[browser]:\"chrome 1\"") == 1);
}

TEST_CASE_METHOD(Filters, "wildcards, anchored; without case in title and message") {
  CHECK(count(R"(browser:"Chrome*")") == 1);
  CHECK(count("browser:*120") == 1);
  CHECK(count("browser:*rome*") == 2);
  CHECK(count("release:1.*") == 2);
  CHECK(count("title:cannot*") == 3);
  CHECK(count("title:pay*") == 0);
  CHECK(count(R"(message:"OUT OF \*stars\*")") == 0);
  CHECK(count(R"(message:"Out of \*stars\*")") == 1);
  CHECK(count("message:*OF*") == 1);
  CHECK(count("browser:*") == 2);
}

TEST_CASE_METHOD(Filters, "several values: any of them; negated: none of them") {
  CHECK(count("error.type:Timeout") == 1);
  CHECK(count("!error.type:Timeout") == 3);
  CHECK(count("fingerprint:coarse") == 4);
  CHECK(count("fingerprint:a") == 2);
}

TEST_CASE_METHOD(Filters, "having a value") {
  CHECK(count("has:release") == 2);
  CHECK(count("!has:release") == 2);
  CHECK(count("has:browser") == 2);
  CHECK(count("has:tags[environment]") == 1);
  CHECK(count("has:never_seen") == 0);
  CHECK(count(R"(has:tags["browser"])") == 2);
  CHECK(count(R"(has:tags["no such tag"])") == 0);
  CHECK(count(R"(release:"")") == 2);
  CHECK(count(R"(!release:"")") == 2);
  CHECK(count(R"(release:["", 1.0])") == 3);
  CHECK(count("has:assigned") == 3);
}

TEST_CASE_METHOD(Filters, "users by every name") {
  CHECK(count("user:\"id:7\"") == 1);
  CHECK(count("user.id:7") == 1);
  CHECK(count("user.id:*") == 1);
  CHECK(count("has:user") == 2);
  CHECK(count("has:user.id") == 1);
  CHECK(count("!has:user.id") == 3);
  CHECK(count(R"(user.id:["", 7])") == 4);
  CHECK(count("user.email:a@b.c") == 1);
}

TEST_CASE_METHOD(Filters, "on a text the sign belongs to the value") {
  CHECK(count("tags[release.stage]:>5") == 1);
  CHECK(count("browser:>5") == 0);
  CHECK(count("tags[size,number]:>10") == 1);
  CHECK(count("tags[size,number]:<=12") == 2);
  CHECK(count("tags[size,number]:7.50") == 1);
}

TEST_CASE_METHOD(Filters, "free text looks in title, subtitle, culprit and message") {
  CHECK(count("CANNOT pay") == 3);
  CHECK(count("stars") == 1);
  CHECK(count("pay*twice") == 1);
  CHECK(count("production") == 0);
}

TEST_CASE_METHOD(Filters, "time of the occurrence") {
  CHECK(count("timestamp:2026-11-21") == 2);
  CHECK(count("timestamp:>2026-11-21T11:00:00Z") == 1);
  CHECK(count("timestamp:>=2026-11-21T11:00:00Z") == 2);
  CHECK(count("timestamp:<2026-11-20") == 1);
  CHECK(count("timestamp:2026-11-21T11:04:00Z") == 1);
  CHECK(count("timestamp:-2h") == 2);
  CHECK(count("date:+2h") == 2);
  CHECK(count("!timestamp:-2h") == 2);
}

TEST_CASE_METHOD(Filters, "properties of the issue") {
  CHECK(issues("is:unresolved") == std::vector<std::string>{"SHOP-1"});
  CHECK(issues("is:resolved") == std::vector<std::string>{"SHOP-2"});
  CHECK(issues("is:archived") == std::vector<std::string>{"SHOP-3"});
  CHECK(issues("is:archived_forever") == std::vector<std::string>{"SHOP-3"});
  CHECK(issues("status:[resolved, ignored]") == std::vector<std::string>{"SHOP-2", "SHOP-3"});
  CHECK(issues("substatus:new") == std::vector<std::string>{"SHOP-1"});
  CHECK(issues("is:unassigned") == std::vector<std::string>{"SHOP-3"});
  CHECK(issues("assigned:42") == std::vector<std::string>{"SHOP-1"});
  CHECK(issues("assigned:user:42") == std::vector<std::string>{"SHOP-1"});
  CHECK(issues("assigned:[none, #3]") == std::vector<std::string>{"SHOP-2", "SHOP-3"});
  CHECK(issues("assigned:*") == std::vector<std::string>{"SHOP-1", "SHOP-2"});
  CHECK(issues("issue.type:feedback") == std::vector<std::string>{"SHOP-3"});
  CHECK(issues("type:6001") == std::vector<std::string>{"SHOP-3"});
  CHECK(issues("issue.type:feed*") == std::vector<std::string>{"SHOP-3"});
  CHECK(issues("issue.category:feedback") == std::vector<std::string>{"SHOP-3"});
  CHECK(issues("times_seen:>1") == std::vector<std::string>{"SHOP-1"});
  CHECK(issues("times_seen:<0.002k") == std::vector<std::string>{"SHOP-2", "SHOP-3"});
  CHECK(issues("times_seen:!=1") == std::vector<std::string>{"SHOP-1"});
  CHECK(issues("first_seen:-24h") == std::vector<std::string>{"SHOP-2"});
  CHECK(issues("age:+24h") == std::vector<std::string>{"SHOP-1", "SHOP-3"});
  CHECK(issues("lastSeen:2026-11-21") == std::vector<std::string>{"SHOP-1", "SHOP-2"});
  CHECK(issues("issue:SHOP-2") == std::vector<std::string>{"SHOP-2"});
  CHECK(issues("issue.id:3") == std::vector<std::string>{"SHOP-3"});
  CHECK(issues("project:Shop is:resolved") == std::vector<std::string>{"SHOP-2"});
  CHECK(issues("project:1").size() == 3);
  CHECK(issues("project:2").empty());
  CHECK(issues("project:sH*").size() == 3);
}

TEST_CASE_METHOD(Filters, "issue and event conditions mixed under OR") {
  CHECK(count("(is:resolved OR level:info)") == 2);
  CHECK(count("(is:unresolved OR is:resolved) has:release") == 2);
  CHECK(count("(is:unresolved level:fatal) OR env:staging") == 1);
}

TEST_CASE_METHOD(Filters, "wrong values are said with position, expectation and nearest name") {
  const auto check = [&](const std::string& text, uint32_t position, const std::string& part) {
    const Error found = error(text);
    INFO(text << " -> " << found.message);
    CHECK(found.code == ErrorCode::InvalidArgument);
    CHECK(found.position == position);
    CHECK(found.message.find(part) != std::string::npos);
  };
  check("level:error is:unresloved", 15, "did you mean \"unresolved\"?");
  check("is:reprocessing", 3, "ever reprocessed");
  check("status:open", 7, "resolved");
  check("issue.priority:hihg", 15, "did you mean \"high\"?");
  check("issue.type:feedbak", 11, "did you mean \"feedback\"?");
  check("issue.category:x", 15, "feedback");
  check("times_seen:>many", 12, "no number");
  check("first_seen:yesterday", 11, "no date");
  check("age:>-24h", 5, "takes no comparison");
  check("age:-999999999999w", 4, "too far");
  check("release:>=2.3", 10, "release.version:>=");
  check("release.version:>=soon", 18, "no version");
  check("release.version:>1.*", 17, "not with a pattern");
  check("release.package:>a", 17, "no order");
  check("release.build:>x", 15, "as numbers");
  check("assigned:me", 9, "user:ID");
  check("message://(//", 8, "missing )");
  check("status://x//", 7, "fields of text");
  check("tags[size,number]:>big", 19, "no number");
  check("has:project", 4, "always has a value");
  check("status:>resolved", 8, "no comparison");
}

TEST_CASE_METHOD(Filters, "operators as words") {
  CHECK(count("browser:contains:rome") == 2);
  CHECK(count("browser:starts_with:Chrome") == 1);
  CHECK(count("!browser:ends_with:120") == 3);
  CHECK(count("browser:contains:[120, \" 1\"]") == 2);
  CHECK(count("message:contains:STARS") == 1);
  CHECK(count(R"(message:"contains:STARS")") == 0);
}

TEST_CASE_METHOD(Filters, "regular expressions, anywhere in the value and with its case") {
  CHECK(count("title://[cC]annot//") == 3);
  CHECK(count("title://^cannot//") == 1);
  CHECK(count("!title://annot (p|P)ay$//") == 2);
  CHECK(count("title://(?i)^cannot//") == 3);
  CHECK(count("user.id://^7$//") == 1);
  CHECK(count("never_seen://x//") == 0);
  CHECK(count("message://of \\*//") == 1);
}

TEST_CASE_METHOD(Filters, "numbers with units") {
  CHECK(count("tags[size,number]:>0.01kb") == 1);
  CHECK(count("tags[size,number]:<=12ms") == 2);
  CHECK(count("tags[size,number]:750%") == 1);
}

// One occurrence with all that lies deeper in it, and one with nothing.
class Details : public Shop {
 public:
  Details() {
    event({"a", "2026-11-20T10:00:00Z", "Slow", "error",
           R"("contexts":{"os":{"name":"Linux","version":"6.1"},"device":{"class":"2"},
                "response":{"status_code":503}},
              "user":{"id":"7","geo":{"city":"Graz","country_code":"AT"}},
              "tags":{"os.version":"6.2"},
              "request":{"headers":[["Referer","https://a.example/"]]},
              "exception":{"values":[
                {"type":"IoError","value":"disk full","mechanism":{"type":"excepthook",
                   "handled":false},
                 "stacktrace":{"frames":[
                   {"function":"main","filename":"main.py","lineno":3,"in_app":true},
                   {"function":"pay","module":"shop.cart","filename":"cart.py","lineno":42,
                    "in_app":true},
                   {"function":"write","module":"os","package":"libc","in_app":false}]}}]})",
           1, 1, R"({"took":"250ms","rows":1500,"note":">5","nested":{"a":1}})",
           R"([{"name":"Query","value":"SELECT * FROM cart","important":true},
               {"name":"Parent Span","value":"http.server","important":false}])"});
    event({"b", "2026-11-20T11:00:00Z", "Quick", "error", R"("exception":{"type":"E"})"});
  }
};

TEST_CASE_METHOD(Details, "evidence by name and as text") {
  CHECK(count("evidence.rows:1500") == 1);
  CHECK(count("evidence.rows:>1.4k evidence.rows:<=1500") == 1);
  CHECK(count("evidence.took:>0.2s") == 1);
  CHECK(count("!evidence.took:>0.2s") == 1);
  CHECK(count("evidence.took:!=250ms") == 1);
  CHECK(count("evidence.took:25*") == 1);
  CHECK(count(R"(evidence.note:">5")") == 1);
  CHECK(count(R"("evidence.Parent Span":http.server)") == 1);
  CHECK(count("has:evidence.nested") == 0);
  CHECK(count("evidence:*SELECT*") == 1);
  CHECK(count("evidence:\"Query: select \\* from*\"") == 1);
  CHECK(count("select \\* from cart") == 1);
  CHECK(count("parent span") == 1);
  CHECK(count("!\"parent span\"") == 1);
  CHECK(table("| sum(evidence.rows) max(evidence.took) by evidence.rows") ==
        std::vector<std::string>{"1500 1500 250", "- 0 -"});
}

TEST_CASE_METHOD(Details, "exceptions") {
  CHECK(count("error.value:\"disk full\"") == 1);
  CHECK(count("error.mechanism:excepthook") == 1);
  CHECK(count("error.handled:false") == 1);
  CHECK(count("error.handled:1") == 1);
  CHECK(count("error.unhandled:true") == 1);
  CHECK(count("error.unhandled:[0, 1]") == 2);
  CHECK(count("error.handled:!=true") == 1);
  CHECK(count("error.handled:\"\"") == 0);
  CHECK(count("has:error.main_thread") == 0);
}

TEST_CASE_METHOD(Details, "frames, the application's own first") {
  CHECK(count("stack.function:[main, nothing]") == 1);
  CHECK(count("stack.module:os") == 1);
  CHECK(count("stack.package:libc") == 1);
  CHECK(count("stack.lineno:>=42") == 1);
  CHECK(count("stack.lineno:>42") == 0);
  CHECK(count("stack.filename:cart.*") == 1);
  CHECK(count("stack.top:\"shop.cart in pay\"") == 1);
  CHECK(count("location:cart.py") == 1);
}

TEST_CASE_METHOD(Details, "what counts as tags where the event has none of that name") {
  CHECK(count("os.name:Linux") == 1);
  CHECK(count("tags[os.name]:Linux") == 1);
  CHECK(count("os.version:6.2") == 1);
  CHECK(count("os.version:6.1") == 0);
  CHECK(count("geo.city:Graz geo.country_code:AT") == 1);
  CHECK(count("http.status_code:503") == 1);
  CHECK(count("http.status_code:>=500") == 1);
  CHECK(count("http.status_code:5*") == 1);
  CHECK(count("http.status_code:!=503") == 1);
  CHECK(count("http.referer:https*") == 1);
  CHECK(count("device.class:medium") == 1);
  CHECK(count("device.class:[low, 2]") == 1);
  CHECK(count("device.class:>=2") == 1);
  CHECK(count("device.class:high") == 0);
}

TEST_CASE_METHOD(Details, "what such fields do not take") {
  CHECK(error("error.handled:maybe").position == 14);
  CHECK(error("error.handled:tr*").message.find("neither true nor false") != std::string::npos);
  CHECK(error("evidence.rows:>many").message.find("no number") != std::string::npos);
  CHECK(error("x:1 release.stage:adopted").position == 4);
  CHECK(error("has:release.stage").position == 4);
  CHECK(count("tags[release.stage]:adopted") == 0);
}

TEST_CASE_METHOD(Filters, "what the viewer is and has") {
  query::SearchOptions me = options();
  const auto found = [&](const std::string& text) {
    return must(query::search(view(), parsed(text), me)).issues.size();
  };
  me.viewer = {"42", {"3", "9"}};
  CHECK(found("assigned:me") == 1);
  CHECK(found("assigned:my_teams") == 1);
  CHECK(found("assigned:[me, my_teams, none]") == 3);
  CHECK(found("!assigned:me") == 2);
  CHECK(found("assigned_or_suggested:me") == 1);
  CHECK(found("bookmarks:me") == 0);
  me.viewer.teams.clear();
  CHECK(found("assigned:my_teams") == 0);
}

TEST_CASE_METHOD(Filters, "what people keep with issues") {
  command(model::AttentionCommand{GroupId{1}, model::Attention::Bookmarked, "user:7", true});
  CHECK(issues("bookmarked_by:7") == std::vector<std::string>{"SHOP-1"});
  CHECK(issues("bookmarks:user:7") == std::vector<std::string>{"SHOP-1"});
  CHECK(issues("!bookmarks:7") == std::vector<std::string>{"SHOP-2", "SHOP-3"});
  CHECK(issues("bookmarks:none") == std::vector<std::string>{"SHOP-2", "SHOP-3"});
  CHECK(issues("subscribed:7").empty());
  CHECK(issues("is:for_review") == std::vector<std::string>{"SHOP-1"});
  command(model::AttentionCommand{GroupId{1}, model::Attention::Reviewed, "user:7", true});
  CHECK(issues("is:for_review").empty());
  CHECK(issues("is:linked").empty());
  CHECK(issues("is:unlinked").size() == 3);
  CHECK(issues("merged:true").empty());
  command(model::MergeCommand{GroupId{1}, {GroupId{2}}});
  CHECK(issues("merged:true") == std::vector<std::string>{"SHOP-1"});
  CHECK(issues("merged:>=2").empty());
  CHECK(issues("merged:false") == std::vector<std::string>{"SHOP-3"});
}

class Versions : public Shop {
 public:
  Versions() {
    for (const char* release : {"shop@1.9.0", "shop@1.10.0-rc.1", "shop@1.10.0+77", "cart@2.0.0",
                                "nightly", "shop@1.10.1+1200"}) {
      event({release, "2026-11-20T10:00:00Z", "T", "error",
             R"("release":")" + std::string(release) + "\""});
    }
    event({"none", "2026-11-20T10:00:00Z"});
  }
};

TEST_CASE_METHOD(Versions, "releases by version") {
  CHECK(count("release.version:>=1.10.0") == 3);
  CHECK(count("release.version:<1.10.0") == 2);
  CHECK(count("release.version:1.10") == 1);
  CHECK(count("release.version:!=1.10") == 6);
  CHECK(count("release.version:>=shop@1.10") == 2);
  CHECK(count("release.version:[1.9.0, 2.0.0]") == 2);
  CHECK(count("release.version:1.10.*") == 3);
  CHECK(count("release.version:1.x") == 4);
  CHECK(count("has:release.version") == 5);
  CHECK(count(R"(release.version:"")") == 2);
  CHECK(count("release.package:shop") == 4);
  CHECK(count("release.package:[shop, cart]") == 5);
  CHECK(count("!has:release.package") == 2);
  CHECK(count("release.build:77") == 1);
  CHECK(count("release.build:>=100") == 1);
}

TEST_CASE_METHOD(Versions, "the newest release of each project") {
  CHECK(count("release:latest") == 0);
  for (const char* release : {"shop@1.9.0", "shop@1.10.1+1200", "shop@1.10.0+77"}) {
    apply(model::ReleaseChanged{ProjectId{1}, release, {}, {}});
  }
  CHECK(count("release:latest") == 1);
  CHECK(count("release:[latest, nightly]") == 2);
  CHECK(count("!release:latest") == 6);
  CHECK(count(R"(release:"latest")") == 0);
}

TEST_CASE_METHOD(Versions, "issues by the release of their first occurrence") {
  CHECK(issues("first_release:shop@1.9.0") == std::vector<std::string>{"SHOP-1"});
  CHECK(issues("first-release:shop@1.9.0") == issues("firstRelease:shop@1.9.0"));
  CHECK(issues("first_release:shop*").size() == 4);
  CHECK(issues("!first_release:shop*").size() == 3);
  CHECK(issues("first_release:[nightly, cart@2.0.0]").size() == 2);
  CHECK(issues(R"(first_release:"")") == std::vector<std::string>{"SHOP-7"});
  CHECK(issues("has:first_release").size() == 6);
  CHECK(issues("first_release:latest").empty());
  apply(model::ReleaseChanged{ProjectId{1}, "shop@1.10.1+1200", {}, {}});
  CHECK(issues("first_release:latest") == std::vector<std::string>{"SHOP-6"});
  CHECK(issues("first_release:[latest, nightly]").size() == 2);
  CHECK(issues(R"(first_release:"latest")").empty());
  CHECK(error("first_release:>1").message.find("no comparison") != std::string::npos);
  // As counted over both.
  command(model::MergeCommand{GroupId{7}, {GroupId{1}}});
  event({"none", "2026-11-19T10:00:00Z", "T", "error", R"("release":"old")"});
  CHECK(issues("first_release:old") == std::vector<std::string>{"SHOP-7"});
  CHECK(issues("first_release:shop@1.9.0").empty());
}

TEST_CASE_METHOD(Versions, "issues by releases they came back in") {
  CHECK(issues("has:regressed_in_release").empty());
  apply(model::StatusChanged{ProjectId{1}, 1, model::Status::Resolved, model::Substatus::None},
        at("2026-11-20T11:00:00Z"));
  event({"shop@1.9.0", "2026-11-20T12:00:00Z", "T", "error", R"("release":"shop@3.0.0")"});
  CHECK(issues("regressed_in_release:shop@3.*") == std::vector<std::string>{"SHOP-1"});
  CHECK(issues("has:regressed_in_release") == std::vector<std::string>{"SHOP-1"});
  CHECK(issues(R"(!regressed_in_release:"")") == std::vector<std::string>{"SHOP-1"});
  command(model::MergeCommand{GroupId{7}, {GroupId{1}}});
  CHECK(issues("regressed_in_release:shop@3.0.0") == std::vector<std::string>{"SHOP-7"});
  // A member that a resolved view did not expect.
  apply(model::StatusChanged{ProjectId{1}, 7, model::Status::Resolved, model::Substatus::None},
        at("2026-11-20T13:00:00Z"));
  event({"shop@1.9.0", "2026-11-20T14:00:00Z", "T", "error", R"("release":"shop@3.1.0")"});
  CHECK(issues("regressed_in_release:shop@3.1.0") == std::vector<std::string>{"SHOP-7"});
  command(model::UnmergeCommand{GroupId{7}, {GroupId{1}}});
  CHECK(issues("regressed_in_release:shop@3.1.0").empty());
  CHECK(issues("regressed_in_release:shop@3.0.0") == std::vector<std::string>{"SHOP-1"});
}

TEST_CASE_METHOD(Filters, "occurrences by their id or that of their event") {
  model::Occurrence one = stored().front().occurrence;
  one.id = *parse_uuid("a7b1c2d3-0000-4000-8000-000000000001");
  one.event_id = parse_uuid("b7b1c2d3000040008000000000000002");
  add(one);
  CHECK(count("id:a7b1c2d3000040008000000000000001") == 1);
  CHECK(count("id:A7B1C2D3-0000-4000-8000-000000000001") == 1);
  CHECK(count("id:b7b1c2d3000040008000000000000002") == 1);
  CHECK(count("id:c7b1c2d3000040008000000000000003") == 0);
  CHECK(count("!id:b7b1c2d3000040008000000000000002") == 4);
  CHECK(count("id:!=b7b1c2d3000040008000000000000002") == 4);
  CHECK(count("id:[b7b1c2d3000040008000000000000002, a7b1c2d3000040008000000000000001]") == 1);
  CHECK(count("id:b7b1c2d3000040008000000000000002 OR level:fatal") == 2);
  seal();
  CHECK(count("id:a7b1c2d3000040008000000000000001") == 1);
  CHECK(count("id:b7b1c2d3000040008000000000000002 level:error") == 1);
  CHECK(issues("id:b7b1c2d3000040008000000000000002") == std::vector<std::string>{"SHOP-1"});
  CHECK(error("level:error id:b7b1").position == 15);
  CHECK(error("id:b7b1*").message.find("all 32") != std::string::npos);
  CHECK(error("id:>b7b1c2d3000040008000000000000002").position == 4);
  CHECK(error("has:id").message.find("always has a value") != std::string::npos);
}

TEST_CASE_METHOD(Details, "evidence of the detector") {
  event({"c", "2026-11-20T11:00:00Z", "D", "error", "", 1, 1, R"({"detector_id":17})"});
  CHECK(count("detector:17") == 1);
  CHECK(count("has:detector") == 1);
}

TEST_CASE_METHOD(Filters, "issues and projects that do not exist") {
  const Error issue = error("level:error issue:SHOP-99");
  CHECK(issue.code == ErrorCode::NotFound);
  CHECK(issue.position == 18u);
  const Error project = error("project:shpo");
  CHECK(project.code == ErrorCode::NotFound);
  CHECK(project.message.find("did you mean \"SHOP\"?") != std::string::npos);
}

}  // namespace
}  // namespace cairn::testing
