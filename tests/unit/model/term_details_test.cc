// What an occurrence is found under beside its attributes and tags.
#include "model/term_details.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "model/message.h"
#include "support/real_data.h"

namespace cairn::model {
namespace {

using Terms = std::vector<std::string>;

Occurrence with_event(std::string members) {
  Occurrence o;
  o.fingerprint = {"f"};
  o.event = R"({"event_id":"00000000000000000000000000000001")" + std::move(members) + "}";
  return o;
}

std::string name_of(const Term& term) {
  if (term.id == FieldId{0}) return "tags." + std::string(term.tag);
  return std::string(builtin_fields()[raw(term.id) - 1u].name);
}

// Of fields behind the attributes, and tags.
Terms details_of(const Occurrence& o) {
  TermExtractor extractor;
  Terms all;
  for (const Term& term : extractor.extract(o)) {
    if (term.id != FieldId{0} && term.id <= field::kLastAttribute) continue;
    all.push_back(name_of(term) + "=" + std::string(term.value));
  }
  return all;
}

Terms details_of(std::string members) { return details_of(with_event(std::move(members))); }

size_t count_of(const Terms& terms, const std::string& name) {
  return static_cast<size_t>(std::count_if(
      terms.begin(), terms.end(), [&](const auto& term) { return term.starts_with(name + "="); }));
}

}  // namespace

TEST_CASE("an event with nothing deeper in it has no details") {
  CHECK(details_of(R"(,"level":"error","user":{"id":"7"},"request":{"url":"u"})").empty());
}

TEST_CASE("exceptions: values and mechanisms once, unhandled when one of them is") {
  CHECK(details_of(R"(,"exception":{"values":[{"type":"A","value":"a"},)"
                   R"({"type":"B","value":"a","mechanism":{"type":"m","handled":true}},)"
                   R"({"value":"b","mechanism":{"type":"m","handled":false}}]})") ==
        Terms{"error.value=a", "error.value=b", "error.mechanism=m", "error.handled=false",
              "error.unhandled=true"});
  CHECK(details_of(R"(,"exception":[{"type":"A"}])") ==
        Terms{"error.handled=true", "error.unhandled=false"});
  CHECK(details_of(R"(,"exception":{"value":"\u00e9","mechanism":{"handled":null}})") ==
        Terms{"error.value=\xC3\xA9", "error.handled=true", "error.unhandled=false"});
  CHECK(details_of(R"(,"exception":{"values":[]})").empty());
}

TEST_CASE("the main thread, where threads say which it is") {
  const auto of = [](const char* threads) {
    return details_of(
        fmt::format(R"(,"exception":[{{"thread_id":7}}],"threads":{{"values":[{}]}})", threads));
  };
  CHECK(count_of(of(R"({"id":7,"main":true})"), "error.main_thread") == 1);
  CHECK(of(R"({"id":7,"main":true},{"id":8,"main":false})").back() == "error.main_thread=true");
  CHECK(of(R"({"id":"7","main":false},{"id":8,"main":true})").back() == "error.main_thread=false");
  CHECK(of(R"({"id":7,"main":null})").back() == "error.unhandled=false");
}

TEST_CASE("frames: the application's own first, then the newest") {
  const Terms terms = details_of(
      R"(,"exception":{"values":[{"stacktrace":{"frames":[)"
      R"({"function":"old","module":"m","in_app":true},)"
      R"({"function":"new","filename":"n.py","abs_path":"/n.py","lineno":3,"in_app":true},)"
      R"({"function":"lib","package":"libc"},{"lineno":5},7,null]}}]})");
  CHECK(terms == Terms{"error.handled=true", "error.unhandled=false", "stack.filename=n.py",
                       "stack.function=new", "stack.function=old", "stack.function=lib",
                       "stack.module=m", "stack.package=libc", "stack.abs_path=/n.py",
                       "stack.lineno=3", "stack.top=n.py in new", "location=n.py"});
}

TEST_CASE("the newest exception's frames come first") {
  const Terms terms =
      details_of(R"(,"exception":{"values":[{"stacktrace":{"frames":[{"function":"cause"}]}},)"
                 R"({"stacktrace":{"frames":[{"function":"outer"}]}}]})");
  CHECK(std::find(terms.begin(), terms.end(), "stack.top=outer") != terms.end());
}

TEST_CASE("of many frames no more than the limit are found") {
  std::string frames;
  for (size_t i = 0; i < 3 * kMaxFrames; ++i) {
    frames += fmt::format(R"({}{{"function":"f{}","in_app":{}}})", i == 0 ? "" : ",", i, i == 0);
  }
  const Terms terms = details_of(R"(,"stacktrace":{"frames":[)" + frames + "]}");
  CHECK(count_of(terms, "stack.function") == kMaxFrames);
  CHECK(terms.front() == "stack.function=f0");
  CHECK(terms[1] == fmt::format("stack.function=f{}", 3 * kMaxFrames - 1));
}

TEST_CASE("without an exception the stack trace of the event, of the crashed or current thread") {
  CHECK(details_of(R"(,"stacktrace":{"frames":[{"module":"m"}]})") ==
        Terms{"stack.module=m", "stack.top=m"});
  CHECK(details_of(R"(,"threads":{"values":[)"
                   R"({"current":true,"stacktrace":{"frames":[{"function":"a"}]}},)"
                   R"({"crashed":true,"stacktrace":{"frames":[{"function":"b"}]}},)"
                   R"({"crashed":true,"stacktrace":{"frames":[{"function":"c"}]}}]})") ==
        Terms{"stack.function=b", "stack.top=b"});
  CHECK(details_of(R"(,"threads":[{"current":true,"stacktrace":{"frames":[{"function":"a"}]}}])") ==
        Terms{"stack.function=a", "stack.top=a"});
}

TEST_CASE("the location, and where the request came from") {
  CHECK(details_of(R"(,"location":"l","stacktrace":{"frames":[{"filename":"f"}]})") ==
        Terms{"stack.filename=f", "stack.top=f", "location=l"});
  CHECK(details_of(R"(,"request":{"headers":{"Host":"h","REFERER":"r"}})") ==
        Terms{"http.referer=r"});
  CHECK(details_of(R"(,"request":{"headers":[[],["a"],["Referer","r"]]})") ==
        Terms{"http.referer=r"});
}

TEST_CASE("contexts and the user's place count as tags that the event does not have") {
  CHECK(details_of(
            R"(,"tags":{"os.name":"own"},"contexts":{"os":{"type":"os","name":"Linux",)"
            R"("version":"6"},"custom":{"a":1},"response":{"status_code":404},"app":[],)"
            R"("device":{"charging":false,"screen":{"w":1}}},"user":{"geo":{"city":"Graz"}})") ==
        Terms{"tags.os.name=own", "tags.os.version=6", "tags.http.status_code=404",
              "tags.device.charging=false", "tags.geo.city=Graz"});
  std::string many;
  for (size_t i = 0; i < kMaxContextMembers + 5; ++i) {
    many += fmt::format(R"({}"m{}":{})", i == 0 ? "" : ",", i, i);
  }
  CHECK(details_of(",\"contexts\":{\"app\":{" + many + "}}").size() == kMaxContextMembers);
}

TEST_CASE("evidence to show is text and tags, data is tags") {
  Occurrence o = with_event(R"(,"tags":{"evidence.own":"1"})");
  o.evidence_display = R"([{"name":"Query","value":"SELECT","important":false},)"
                       R"({"name":"","value":"v","important":true},)"
                       R"({"name":"own","value":"2","important":true}])";
  o.evidence_data = R"({"rows":5,"Query":"SELECT","b":true,"n":null,"o":{"rows":6},"l":[1]})";
  CHECK(details_of(o) == Terms{"evidence=Query: SELECT", "evidence=v", "evidence=own: 2",
                               "tags.evidence.own=1", "tags.evidence.Query=SELECT",
                               "tags.evidence.rows=5", "tags.evidence.b=true"});
}

TEST_CASE("of much evidence no more than the limit is found, and no longer names than a tag's") {
  Occurrence o = with_event("");
  for (size_t i = 0; i < kMaxEvidence + 5; ++i) {
    o.evidence_display += fmt::format(R"({}{{"name":"n{}","value":"v"}})", i == 0 ? "[" : ",", i);
    o.evidence_data += fmt::format(R"({}"d{}":1)", i == 0 ? "{" : ",", i);
  }
  o.evidence_display += "]";
  o.evidence_data += "}";
  const Terms terms = details_of(o);
  CHECK(count_of(terms, "evidence") == kMaxEvidence);
  CHECK(terms.size() == 3 * kMaxEvidence);
  o.evidence_display.clear();
  o.evidence_data = "{\"" + std::string(kMaxTagKeyBytes, 'k') + "\":1}";
  CHECK(details_of(o).empty());
}

TEST_CASE("unexpected shapes are no details and no error") {
  for (const std::string name :
       {"exception", "threads", "stacktrace", "contexts", "location", "request", "user"}) {
    for (const std::string value :
         {"null", "[]", "{}", "[[]]", "5", "\"a\"", R"({"values":5})", R"({"values":[[],5]})",
          R"({"frames":{}})", R"({"frames":[[]]})", R"({"os":5,"response":[]})",
          R"({"headers":5,"geo":5})", R"({"headers":[5,[5,5]],"geo":[]})"}) {
      CAPTURE(name, value);
      Terms terms = details_of(",\"" + name + "\":" + value);
      std::erase_if(terms, [](const auto& term) {
        return term == "error.handled=true" || term == "error.unhandled=false" ||
               term == "location=5" || term == "location=a";
      });
      CHECK(terms.empty());
    }
  }
}

TEST_CASE("details of real events") {
  const auto files = testing::real_files({"sentry-events"});
  MessageParser parser;
  TermExtractor extractor;
  std::vector<size_t> occurrences(raw(field::kLastBuiltin) + 1u);
  for (const std::string& path : files) {
    testing::for_each_line(path, [&](std::string_view line) {
      std::vector<bool> has(occurrences.size());
      for (const Term& term : extractor.extract(std::get<Occurrence>(*parser.parse(line)))) {
        if (term.id != FieldId{0}) has[raw(term.id)] = true;
      }
      for (size_t i = 0; i < has.size(); ++i) occurrences[i] += has[i] ? 1 : 0;
    });
  }
  if (files.empty()) return;
  CHECK(occurrences[raw(field::kEvidence)] == 134);
  CHECK(occurrences[raw(field::kStackTop)] > 60);
  CHECK(occurrences[raw(field::kErrorValue)] > 30);
  CHECK(occurrences[raw(field::kErrorMechanism)] > 30);
}

}  // namespace cairn::model
