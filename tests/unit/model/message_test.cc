#include "model/message.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <string>

#include "support/awkward_occurrence.h"
#include "support/real_data.h"

namespace cairn::model {
namespace {

constexpr std::string_view kId = "582b2887-c286-5c97-841a-16a9a3d0b3a1";
constexpr std::string_view kEventId = "c87e72760fe551dcaf341fb2c3b4b891";

// A small valid occurrence in which `name` has the JSON value `value`; "" leaves it out.
std::string line_with(std::string_view name, std::string_view value) {
  const std::vector<std::pair<std::string, std::string>> defaults = {
      {"id", "\"" + std::string(kId) + "\""},
      {"project_id", "7"},
      {"fingerprint", R"(["a"])"},
      {"issue_title", R"("T")"},
      {"subtitle", "null"},
      {"type", "1"},
      {"detection_time", "1700000000.25"},
      {"event_id", "\"" + std::string(kEventId) + "\""},
  };
  std::string json = "{";
  bool found = name.empty();
  const auto add = [&json](std::string_view key, std::string_view text) {
    if (json.size() > 1) json += ',';
    json.append("\"").append(key).append("\":").append(text);
  };
  for (const auto& [key, text] : defaults) {
    if (key != name) {
      add(key, text);
      continue;
    }
    found = true;
    if (!value.empty()) add(key, value);
  }
  if (!found) add(name, value);
  return json + "}";
}

std::string event_with(std::string_view members) {
  return R"({"event_id":")" + std::string(kEventId) + "\"" + std::string(members) + "}";
}

std::string refusal(std::string_view line) {
  MessageParser parser;
  const auto result = parser.parse(line);
  if (result.ok()) return "accepted";
  CHECK(result.error().code == ErrorCode::InvalidArgument);
  return result.error().message;
}

Occurrence accepted(std::string_view line) {
  MessageParser parser;
  auto result = parser.parse(line);
  INFO(line);
  INFO((result.ok() ? "" : result.error().message));
  REQUIRE(result.ok());
  REQUIRE(std::holds_alternative<Occurrence>(*result));
  return std::get<Occurrence>(std::move(*result));
}

void refused(std::string_view name, std::string_view value, const std::string& message) {
  CAPTURE(name, value);
  CHECK_THAT(refusal(line_with(name, value)), Catch::Contains(message));
}

}  // namespace

TEST_CASE("a full occurrence is read member by member") {
  const std::string event =
      event_with(R"(, "project_id":7,"level":"error","tags":{"a":"b","n":1.50,"t":true,"z":null})");
  const Occurrence o = accepted(
      R"( {"payload_type":"occurrence","id":"582B2887C2865C97841A16A9A3D0B3A1","project_id":7,)"
      R"("fingerprint":["f\u00e9","g"],"issue_title":"a\tb","subtitle":null,"resource_id":"r",)"
      R"("evidence_data": { "big" : 123456789012345678901234567890 } ,)"
      R"("evidence_display":[{"name":"n","value":"v","important":false}],"type":9001,)"
      R"("detection_time":1700000000.25,"level":"fatal","culprit":"c","initial_issue_priority":75,)"
      R"("assignee":"team:4","is_buffered_spans":true,"x y":[1, 2],"event":)" +
      event + "}\r\n");
  CHECK(o.id.dashed() == kId);
  CHECK(o.event_id->hex() == kEventId);
  CHECK(o.project == ProjectId{7});
  CHECK(o.fingerprint == std::vector<std::string>{"f\xC3\xA9", "g"});
  CHECK(o.title == "a\tb");
  CHECK(!o.subtitle);
  CHECK(o.resource_id == "r");
  CHECK(o.culprit == "c");
  CHECK(o.level() == Level::Fatal);
  CHECK(o.priority == 75);
  CHECK(o.assignee == "team:4");
  CHECK(o.type == 9001);
  CHECK(raw(o.time()) == 1'700'000'000'250'000);
  CHECK(o.is_buffered_spans);
  CHECK(o.evidence_data == R"({ "big" : 123456789012345678901234567890 })");
  CHECK(o.evidence_display == R"([{"name":"n","value":"v","important":false}])");
  CHECK(o.event == event);
  CHECK(o.extra == R"("x y":[1, 2])");
  CHECK(accepted(to_json(o)) == o);
}

TEST_CASE("absent and null members mean the same") {
  const Occurrence o = accepted(line_with("", ""));
  CHECK(o.level() == Level::Info);
  for (const std::string_view name :
       {"resource_id", "evidence_data", "evidence_display", "level", "culprit", "assignee",
        "initial_issue_priority", "event", "is_buffered_spans", "payload_type"})
    CHECK(accepted(line_with(name, "null")) == o);
}

TEST_CASE("members that export adds are not kept") {
  const Occurrence o = accepted(line_with("", ""));
  std::string line = line_with("", "");
  line.insert(1, R"("_issue":"P7-1","_leaf":"P7-2","_lsn":12,)");
  CHECK(accepted(line) == o);
  CHECK(accepted(line_with("_issue2", "1")).extra == R"("_issue2":1)");
}

TEST_CASE("names may be written with escapes") {
  std::string line = line_with("id", "");
  line.insert(1, R"("\u0069d":")" + std::string(kId) + "\",");
  CHECK(accepted(line) == accepted(line_with("", "")));
}

TEST_CASE("required members of an occurrence") {
  for (const std::string_view name : {"id", "project_id", "fingerprint", "issue_title", "subtitle",
                                      "type", "detection_time", "event_id"})
    refused(name, "", std::string(name) + ": missing, expected ");
  CHECK_THAT(refusal("{}"), Catch::Contains("id: missing"));
}

TEST_CASE("every refused member is named with what was expected") {
  refused("id", "\"xyz\"", "id: expected a UUID, got \"xyz\"");
  refused("id", "5", "id: expected a UUID, got a number");
  refused("project_id", "0", "project_id: expected an integer, 1 or more, got 0");
  refused("project_id", "1.0", "project_id: expected an integer, 1 or more, got 1.0");
  refused("project_id", "\"7\"", "project_id: expected an integer, got a string");
  refused("project_id", "9223372036854775808", "project_id: expected an integer");
  refused("fingerprint", "\"a\"", "fingerprint: expected an array of strings, got a string");
  refused("fingerprint", "[]", "fingerprint: expected at least one entry");
  refused("fingerprint", R"(["a",""])", "fingerprint: an entry is empty");
  refused("fingerprint", "[1]", "fingerprint: expected an array of strings");
  refused("fingerprint", R"(["\ud83d"])", "fingerprint: holds half of a surrogate pair");
  refused("issue_title", "5", "issue_title: expected a string or null, got a number");
  refused("type", "-1", "type: expected an integer, 0 to 4294967295, got -1");
  refused("type", "null", "type: expected an integer, got null");
  refused("detection_time", "\"2026-01-01\"", "detection_time: expected a number of seconds");
  refused("detection_time", "-0.5", "detection_time: expected seconds since 1970");
  refused("detection_time", "253402300800", "detection_time: expected seconds since 1970");
  refused("detection_time", "1e999", "detection_time: expected seconds since 1970");
  refused("level", "\"loud\"", "level: expected debug, info, warning, error, fatal or sample");
  refused("initial_issue_priority", "60", "initial_issue_priority: expected 25, 50, 75 or null");
  refused("assignee", "\"bob\"", "assignee: expected \"user:ID\" or \"team:ID\", got \"bob\"");
  refused("assignee", "\"user:\"", "assignee: expected");
  refused("is_buffered_spans", "1", "is_buffered_spans: expected true or false, got a number");
  refused("evidence_data", "[]", "evidence_data: expected an object or null, got an array");
  refused("evidence_display", "{}", "evidence_display: expected an array or null");
  refused("evidence_display", R"([{"name":"a","value":"b"}])", "evidence_display: expected");
  refused("payload_type", "\"other\"", "payload_type: unknown \"other\"; known are");
}

TEST_CASE("the inline event") {
  const auto bad = [](std::string_view event, const std::string& message) {
    refused("event", event, message);
  };
  bad("[]", "event: expected an object or null, got an array");
  bad("{}", "event.event_id: missing");
  bad(R"({"event_id":"0"})", "event.event_id: expected a UUID");
  bad(R"({"event_id":"00000000000000000000000000000001"})", "differs from event_id");
  bad(event_with(R"(,"project_id":8)"), "event.project_id: 8 differs from project_id 7");
  bad(event_with(R"(,"level":1)"), "event.level: expected a string or null, got a number");
  bad(event_with(R"(,"platform":[])"), "event.platform: expected a string or null");
  bad(event_with(R"(,"timestamp":{})"), "event.timestamp: expected a string or a number");
  bad(event_with(R"(,"tags":5)"), "event.tags: expected an object, an array of");
  bad(event_with(R"(,"tags":{"a":[]})"), "event.tags.a: expected a string, number, boolean");
  bad(event_with(R"(,"tags":{"":"x"})"), "event.tags: a tag has an empty name");
  bad(event_with(R"(,"tags":[["a"]])"), "event.tags: expected [key, value] pairs");
  bad(event_with(R"(,"tags":[["a","b","c"]])"), "event.tags: expected [key, value] pairs");
  bad(event_with(R"(,"tags":[[1,"b"]])"), "event.tags: expected [key, value] pairs");

  const Occurrence o = accepted(line_with("event", event_with(R"(,"tags":[["a","b"]])")));
  CHECK(o.event == event_with(R"(,"tags":[["a","b"]])"));
  std::string line = line_with("event_id", "");
  line.insert(1, "\"event\":" + event_with("") + ",");
  CHECK(accepted(line).event_id->hex() == kEventId);
}

TEST_CASE("a name given twice is refused wherever it is read") {
  std::string line = line_with("", "");
  CHECK_THAT(refusal("{\"type\":2," + line.substr(1)),
             Catch::Contains("type: the member is given twice"));
  CHECK_THAT(refusal("{\"\\u0074ype\":2," + line.substr(1)),
             Catch::Contains("type: the member is given twice"));
  CHECK_THAT(refusal("{\"own\":1,\"own\":1," + line.substr(1)), Catch::Contains("own: the member"));
  refused("event", event_with(R"(,"user":1,"user":2)"), "event: member \"user\" is given twice");
  refused("event", event_with(R"(,"tags":{"a":"1","a":"1"})"), "tag \"a\" is given twice");
  refused("event", event_with(R"(,"tags":[["a","1"],["a","2"]])"), "tag \"a\" is given twice");
  CHECK_THAT(refusal(R"({"op":"note","t":1,"project_id":1,"fp":"a","fp":"b"})"),
             Catch::Contains("fp: the member is given twice"));
  CHECK_THAT(refusal("{\"_lsn\":1,\"_lsn\":1," + line.substr(1)),
             Catch::Contains("_lsn: the member is given twice"));
  CHECK_THAT(refusal(R"({"op":"note","t":1,"t":1,"project_id":1,"fp":"a"})"),
             Catch::Contains("t: the member is given twice"));
  accepted(line_with("evidence_data", R"({"free":1,"free":2})"));
}

TEST_CASE("members of operations are nothing special in an occurrence") {
  CHECK(accepted(line_with("op", "1")).extra == R"("op":1)");
  CHECK(accepted(line_with("t", "null")).extra == R"("t":null)");
  std::string line = line_with("op", "1");
  line.insert(1, R"("z":0,)");
  CHECK(accepted(line).extra == R"("z":0,"op":1)");
}

TEST_CASE("duplicates are found among many names too") {
  std::string tags;
  for (int i = 0; i < 300; ++i) tags += "\"t" + std::to_string(i) + "\":\"v\",";
  accepted(line_with("event", event_with(",\"tags\":{" + tags + "\"last\":1}")));
  refused("event", event_with(",\"tags\":{" + tags + "\"t77\":1}"), "tag \"t77\" is given twice");
}

TEST_CASE("limits") {
  const auto text = [](size_t size) { return "\"" + std::string(size, 'x') + "\""; };
  accepted(line_with("issue_title", text(kMaxTitleBytes)));
  refused("issue_title", text(kMaxTitleBytes + 1), "issue_title: 65537 bytes, the limit is 65536");
  refused("fingerprint", "[" + text(kMaxFingerprintBytes + 1) + "]", "fingerprint: an entry has");
  std::string many = "[\"a\"";
  for (size_t i = 0; i < kMaxFingerprints; ++i) many += ",\"a\"";
  refused("fingerprint", many + "]", "fingerprint: more than 64 entries");
  const auto tag = [](const std::string& name, const std::string& value) {
    return event_with(",\"tags\":{" + name + ":" + value + "}");
  };
  accepted(line_with("event", tag(text(kMaxTagKeyBytes), text(kMaxTagValueBytes))));
  refused("event", tag(text(kMaxTagKeyBytes + 1), "1"), "a tag name of 201 bytes");
  refused("event", tag("\"k\"", text(kMaxTagValueBytes + 1)), "event.tags.k: the value is longer");
  std::string tags;
  for (size_t i = 0; i <= kMaxTags; ++i)
    tags += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + "\":1";
  refused("event", event_with(",\"tags\":{" + tags + "}"), "event.tags: more than 1000 tags");
  CHECK_THAT(refusal(std::string(kMaxLineBytes + 1, ' ')), Catch::Contains("the limit is"));
}

TEST_CASE("nesting up to the limit") {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  const auto levels = kMaxJsonDepth - 1;  // the line's own object is one
  CHECK(accepted(line_with("x", nested(levels))).extra == "\"x\":" + nested(levels));
  refused("x", nested(levels + 1), "nested deeper than 512 levels");
  refused("x", nested(100'000), "nested deeper than 512 levels");
}

TEST_CASE("what is no JSON is refused wherever it stands") {
  for (const std::string_view value : {"01",
                                       "1.",
                                       ".5",
                                       "+1",
                                       "1e",
                                       "--1",
                                       "0x1",
                                       "NaN",
                                       "tru",
                                       "truex",
                                       "nul",
                                       "nulll",
                                       "'a'",
                                       "\"\\x\"",
                                       "\"\\u12\"",
                                       "\"\\u12g4\"",
                                       "\"",
                                       "[1,]",
                                       "[,1]",
                                       "[1 2]",
                                       "[\"a\":1]",
                                       "[\"a\":1],2]",
                                       "{\"a\"}",
                                       "{\"a\":}",
                                       "{\"a\" 1}",
                                       "{1:2}",
                                       "{\"a\":1,}",
                                       "{,}",
                                       "[",
                                       "{",
                                       "]",
                                       "}",
                                       "1 2",
                                       "\"a\"\"b\"",
                                       "\"a\" \"b\"",
                                       "1\"a\"",
                                       "\"a\"1",
                                       "[}",
                                       "{]",
                                       "[1}",
                                       "{\"a\":1]",
                                       "\"\x01\"",
                                       "\"tab\there\"",
                                       "\xC0\x80",
                                       "\"\xFF\"",
                                       "\"\xED\xA0\x80\"",
                                       "\x0C"
                                       "1",
                                       "{\"a\\q\":1}"}) {
    CAPTURE(value);
    CHECK_THAT(refusal(line_with("x", value)), Catch::StartsWith("invalid JSON: "));
    CHECK_THAT(refusal(line_with("evidence_data", "{\"a\":[" + std::string(value) + "]}")),
               Catch::StartsWith("invalid JSON: "));
  }
  for (const std::string_view line :
       {"", " ", "x", "5", "[]", "\"a\"", "{", "}", "{}}", "{}{}", "{} x", "{},", "{\"a\":1",
        "{\"a\":{}", "{\"a\":[}", "nul", "{\"a\":\"}", "{\"a\":1}\x01", "\xEF\xBB\xBF"}) {
    CAPTURE(line);
    CHECK_THAT(refusal(line), Catch::StartsWith("invalid JSON: "));
  }
  CHECK_THAT(refusal(std::string_view("{\0}", 3)), Catch::StartsWith("invalid JSON: "));
  CHECK_THAT(refusal(std::string_view("{\"a\":\"\0\"}", 9)), Catch::StartsWith("invalid JSON: "));
}

TEST_CASE("verbatim parts keep what a converter would lose") {
  for (const std::string_view value :
       {"1e999999", "-0", "0.10", "123456789012345678901234567890123456789.5", "\"\\u0000\"",
        "\"\\ud800\"", "\"\\/\"", "[ 1 ,\t2 ]", "{\"a\":1,\"a\":2}", "18446744073709551616"}) {
    CAPTURE(value);
    const Occurrence o = accepted(line_with("x", value));
    CHECK(o.extra == "\"x\":" + std::string(value));
    CHECK(accepted(to_json(o)) == o);
  }
}

TEST_CASE("errors point at the byte") {
  MessageParser parser;
  const auto position = [&parser](std::string_view line) {
    const auto result = parser.parse(line);
    REQUIRE(!result.ok());
    return result.error().position;
  };
  CHECK(position("{\"op\":\"note\",\"t\":\"x\"}") == 17u);
  CHECK(position("\xEF\xBB\xBF {\"op\":\"note\",\"t\":\"x\"}") == 21u);
  CHECK(position("{\"a\":01}") == 5u);
  CHECK(position("{\"a\":\"\xC3\xA9\xFF\"}") == 8u);
  CHECK(position("{\"a\":\"b\\q\"}") == 7u);
  CHECK(position("{\"a\":\n1}") == 5u);
}

TEST_CASE("surroundings of a line") {
  const std::string line = line_with("", "");
  const Occurrence o = accepted(line);
  CHECK(accepted("\xEF\xBB\xBF" + line + "\r\n") == o);
  CHECK(accepted("  " + line + " \t\n\n") == o);
  CHECK_THAT(refusal("{\n" + line.substr(1)), Catch::Contains("one message is one line"));
}

TEST_CASE("status change messages") {
  MessageParser parser;
  const auto parse = [&parser](std::string_view members) {
    return parser.parse(R"({"payload_type":"status_change","project_id":7,"fingerprint":["a"],)" +
                        std::string(members) + "}");
  };
  auto result = parse(R"("new_status":2,"new_substatus":5,"id":"x","detector_id":3,)"
                      R"("update_date":"2026-01-02T03:04:05.5Z")");
  REQUIRE(result.ok());
  const auto& message = std::get<StatusChangeMessage>(*result);
  CHECK(message.project == ProjectId{7});
  CHECK(message.fingerprint == std::vector<std::string>{"a"});
  CHECK(message.status == Status::Ignored);
  CHECK(message.substatus == Substatus::Forever);
  CHECK(message.id == "x");
  CHECK(message_time(*result) == 1767323045.5);

  CHECK(parse(R"("new_status":1)").ok());
  CHECK(message_time(*parse(R"("new_status":1,"new_substatus":null)")) == 0);
  CHECK(message_time(*parse(R"("new_status":1,"update_date":12.5)")) == 12.5);
  const auto bad = [&](std::string_view members, const std::string& message_part) {
    CAPTURE(members);
    const auto refused_result = parse(members);
    REQUIRE(!refused_result.ok());
    CHECK_THAT(refused_result.error().message, Catch::Contains(message_part));
  };
  bad(R"("x":1)", "new_status: missing");
  bad(R"("new_status":3)", "new_status: expected an integer, 0 to 2, got 3");
  bad(R"("new_status":0)", "new_substatus: with new_status 0 (unresolved) expected 2");
  bad(R"("new_status":2)", "new_substatus: with new_status 2 (ignored) expected 1");
  bad(R"("new_status":1,"new_substatus":3)", "new_substatus: with new_status 1 (resolved)");
  bad(R"("new_status":0,"new_substatus":7)", "new_substatus: nothing becomes new (7) again");
  bad(R"("new_status":0,"new_substatus":5)", "new_substatus: with new_status 0");
  bad(R"("new_status":0,"new_substatus":8)", "new_substatus: expected an integer, 1 to 7, got 8");
  bad(R"("new_status":1,"update_date":"soon")", "update_date: expected an ISO 8601 time");
}

TEST_CASE("workflow operations") {
  MessageParser parser;
  const auto parse = [&parser](std::string_view members) {
    return parser.parse(R"({"t":12.5,"project_id":7,)" + std::string(members) + "}");
  };
  const auto op = [&](std::string_view members) {
    auto result = parse(members);
    INFO(members);
    REQUIRE(result.ok());
    CHECK(message_time(*result) == 12.5);
    return std::get<WorkflowOp>(std::move(*result));
  };
  const auto merge = op(R"("op":"merge","primary":"a","children":["b","c"],"actor":"u")");
  CHECK(merge.fingerprint == "a");
  CHECK(merge.children == std::vector<std::string>{"b", "c"});
  CHECK(merge.actor == "u");
  CHECK(op(R"("op":"unmerge","primary":"a","children":["b"])").op == "unmerge");
  CHECK(op(R"("op":"status_change","fp":"a","status":"archived")").status == Status::Ignored);
  CHECK(op(R"("op":"assign","fp":"a","assignee":"u_1")").assignee == "u_1");
  CHECK(op(R"("op":"unassign","fp":"a")").assignee.empty());
  CHECK(op("\"op\":\"occurrence\",\"fp\":\"a\",\"id\":\"" + std::string(kId) + "\"")
            .occurrence->dashed() == kId);
  const auto note = op(R"("op":"note","fp":"a", "chars":3,"actor":null)");
  CHECK(note.actor.empty());
  CHECK(note.line == R"({"t":12.5,"project_id":7,"op":"note","fp":"a", "chars":3,"actor":null})");

  const auto bad = [&](std::string_view members, const std::string& message) {
    CAPTURE(members);
    const auto result = parse(members);
    REQUIRE(!result.ok());
    CHECK_THAT(result.error().message, Catch::Contains(message));
  };
  bad(R"("op":"explode","fp":"a")", "op: unknown \"explode\"; known are occurrence, status_change");
  bad(R"("op":5)", "op: expected a string, got a number");
  bad(R"("op":"note")", "fp: missing");
  bad(R"("op":"note","fp":"")", "fp: expected a text");
  bad(R"("op":"merge","primary":"a","children":[])", "children: expected at least one entry");
  bad(R"("op":"merge","children":["b"])", "primary: missing");
  bad(R"("op":"status_change","fp":"a","status":"gone")", "status: expected unresolved, resolved");
  bad(R"("op":"assign","fp":"a")", "assignee: missing");
  bad(R"("op":"occurrence","fp":"a")", "id: missing");
  CHECK_THAT(refusal(R"({"op":"note","project_id":1,"fp":"a"})"), Catch::Contains("t: missing"));
}

TEST_CASE("names of statuses") {
  for (const Status status : {Status::Unresolved, Status::Resolved, Status::Ignored})
    CHECK(parse_status(status_name(status)) == status);
  CHECK(parse_status("muted") == Status::Ignored);
  CHECK(!parse_status("pending"));
  CHECK(substatus_name(Substatus::None).empty());
  CHECK(substatus_name(Substatus::UntilConditionMet) == "until_condition_met");
}

TEST_CASE("random occurrences survive to_json and parse") {
  const uint64_t seed = 20'261'121;
  std::cout << "message_test: seed " << seed << '\n';
  std::mt19937_64 random(seed);
  MessageParser parser;
  for (int i = 0; i < 3000; ++i) {
    const Occurrence o = testing::awkward_occurrence(random);
    const std::string json = to_json(o);
    CAPTURE(i, json);
    REQUIRE(json.find('\n') == std::string::npos);
    auto parsed = parser.parse(json);
    INFO((parsed.ok() ? "" : parsed.error().message));
    REQUIRE(parsed.ok());
    REQUIRE(std::get<Occurrence>(*parsed) == o);
    REQUIRE("{" + to_json_members(o) + "}" == json);
  }
}

TEST_CASE("damaged lines are read or refused, never worse") {
  const uint64_t seed = 4711;
  std::cout << "message_test: seed " << seed << '\n';
  std::mt19937_64 random(seed);
  MessageParser parser;
  for (int i = 0; i < 2000; ++i) {
    std::string json = to_json(testing::awkward_occurrence(random));
    for (int n = 0; n < 3 && !json.empty(); ++n) {
      const size_t at = random() % json.size();
      switch (random() % 3) {
        case 0:
          json[at] = "{}[]\",:\\0 \xFF"[random() % 11];
          break;
        case 1:
          json.erase(at, 1 + random() % 4);
          break;
        default:
          json.resize(at + 1);
      }
    }
    const auto parsed = parser.parse(json);
    if (!parsed.ok()) {
      REQUIRE(!parsed.error().message.empty());
      continue;
    }
    if (const auto* o = std::get_if<Occurrence>(&*parsed)) {
      const Occurrence copy = *o;
      REQUIRE(std::get<Occurrence>(*parser.parse(to_json(copy))) == copy);
    }
  }
}

TEST_CASE("every real line is accepted and survives to_json") {
  size_t lines = 0;
  MessageParser parser;
  for (const std::string& path :
       testing::real_files({"loghub", "jira-apache", "jira-titanium", "github-timelines",
                            "syzkaller", "sentry-events"})) {
    testing::for_each_line(path, [&](std::string_view line) {
      ++lines;
      auto parsed = parser.parse(line);
      if (!parsed.ok()) FAIL(path << ": " << parsed.error().message << ": " << line);
      const auto* o = std::get_if<Occurrence>(&*parsed);
      if (o == nullptr) return;
      const auto again = parser.parse(to_json(*o));
      if (!again.ok() || std::get<Occurrence>(*again) != *o) FAIL(path << ": " << line);
    });
  }
  std::cout << "message_test: " << lines << " real lines\n";
}

}  // namespace cairn::model
