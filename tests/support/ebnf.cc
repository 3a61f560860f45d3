#include "support/ebnf.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <limits>
#include <utility>

namespace cairn::testing {
namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr std::string_view kMark = "\xEF\x80\x8D";  // U+F00D

bool is_name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
}
bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
  });
}
bool equal_in_any_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

// What the document explains in words. Signs are bytes here; a name never holds more than ASCII.
const std::array<std::pair<std::string_view, std::function<bool(char)>>, 6>& signs() {
  static const std::array<std::pair<std::string_view, std::function<bool(char)>>, 6> kSigns = {{
      {"char", [](char) { return true; }},
      {"letter", [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }},
      {"digit", [](char c) { return c >= '0' && c <= '9'; }},
      {"blank", [](char c) { return c == ' '; }},
      {"space", [](char c) { return c == ' ' || c == '\t'; }},
      {"newline", [](char c) { return c == '\n'; }},
  }};
  return kSigns;
}

}  // namespace

struct Ebnf::Part {
  enum class Kind {
    Sequence,
    Choice,
    Repeat,
    Optional,
    Except,
    Before,
    NotBefore,
    Literal,
    Sign,
    Mark,
    End,
    Reference
  };
  Kind kind = Kind::Sequence;
  std::vector<Part*> inner;
  std::string text;  // Literal, Sign, Reference
  bool spaced = false;
  const Part* rule = nullptr;                    // Reference
  int height = std::numeric_limits<int>::max();  // of the lowest tree it can become
};

// --- reading ------------------------------------------------------------------------------------

class Ebnf::Reader {
 public:
  Reader(Ebnf& out, std::string_view text, bool spaced) : out_(out), text_(text), spaced_(spaced) {
    advance();
  }

  std::string run() {
    while (!token_.empty() && error_.empty()) rule();
    return error_;
  }

 private:
  void fail(const std::string& message) {
    if (error_.empty()) error_ = rule_ + ": " + message + ", found \"" + token_ + "\"";
    token_.clear();
    text_ = {};
  }

  // The next token: a name, a quoted text with its quotes, or a sign; "" at the end.
  void advance() {
    while (!text_.empty() && std::isspace(static_cast<unsigned char>(text_[0])) != 0) {
      text_.remove_prefix(1);
    }
    size_t length = text_.empty() ? 0 : 1;
    if (!text_.empty() && (text_[0] == '"' || text_[0] == '\'')) {
      length = text_.find(text_[0], 1);
      if (length == kNone) return fail("a quotation mark is not closed");
      ++length;
    } else {
      const auto in_name = [&](size_t at) {
        return at < text_.size() && text_[at] != '-' && text_[at] != '.' && is_name_char(text_[at]);
      };
      if (in_name(0)) {
        while (in_name(length)) ++length;
      }
    }
    token_ = text_.substr(0, length);
    text_.remove_prefix(length);
  }

  bool take(std::string_view expected) {
    if (token_ != expected) return false;
    advance();
    return true;
  }
  void need(std::string_view expected) {
    if (!take(expected)) fail("expected " + std::string(expected));
  }

  Part* make(Part::Kind kind, std::vector<Part*> inner = {}, std::string text = "") {
    auto part = std::make_unique<Part>();
    part->kind = kind;
    part->inner = std::move(inner);
    part->text = std::move(text);
    part->spaced = spaced_;
    out_.parts_.push_back(std::move(part));
    return out_.parts_.back().get();
  }

  void rule() {
    rule_ = token_;
    advance();
    need("=");
    Part* body = choice();
    need(";");
    if (!out_.rules_.emplace(rule_, body).second) fail("there are two rules of this name");
    out_.choices_[body] = rule_;
  }

  Part* choice() {
    std::vector<Part*> any = {sequence()};
    while (take("|")) any.push_back(sequence());
    if (any.size() == 1) return any[0];
    for (const Part* one : any) out_.choices_[one] = rule_ + ": " + describe(*one);
    return make(Part::Kind::Choice, std::move(any));
  }

  Part* sequence() {
    std::vector<Part*> all;
    while (!token_.empty() && token_ != "|" && token_ != ";" && token_ != ")" && token_ != "]" &&
           token_ != "}") {
      all.push_back(term());
    }
    if (all.empty()) fail("expected something to match");
    return all.size() == 1 ? all[0] : make(Part::Kind::Sequence, std::move(all));
  }

  Part* term() {
    if (take("before")) return make(Part::Kind::Before, {single()});
    if (take("not")) {
      need("before");
      return make(Part::Kind::NotBefore, {single()});
    }
    Part* part = single();
    if (!take("-")) return part;
    return make(Part::Kind::Except, {part, single()});
  }

  Part* single() {
    if (take("(")) {
      Part* inner = choice();
      need(")");
      return inner;
    }
    for (const auto& [open, close, kind] :
         {std::tuple{"[", "]", Part::Kind::Optional}, {"{", "}", Part::Kind::Repeat}}) {
      if (!take(open)) continue;
      Part* inner = choice();
      need(close);
      out_.choices_[inner] = rule_ + ": " + open + " " + describe(*inner) + " " + close;
      return make(kind, {inner});
    }
    if (token_.empty()) {
      fail("expected something to match");
      return make(Part::Kind::End);
    }
    const std::string token = token_;
    advance();
    if (token[0] == '"' || token[0] == '\'') {
      out_.literals_.push_back(token.substr(1, token.size() - 2));
      return make(Part::Kind::Literal, {}, out_.literals_.back());
    }
    if (token == "end") return make(Part::Kind::End);
    if (token == "mark") return make(Part::Kind::Mark);
    for (const auto& sign : signs()) {
      if (sign.first == token) return make(Part::Kind::Sign, {}, token);
    }
    if (!is_word(token)) fail("\"" + token + "\" is no name");
    return make(Part::Kind::Reference, {}, token);
  }

  static std::string describe(const Part& part) {
    if (part.kind == Part::Kind::Literal) return "\"" + part.text + "\"";
    if (!part.text.empty()) return part.text;
    std::string out;
    for (const Part* inner : part.inner) {
      const bool behind = inner->kind == Part::Kind::Before || inner->kind == Part::Kind::NotBefore;
      if (!behind) out += (out.empty() ? "" : " ") + describe(*inner);
    }
    return out;
  }

  Ebnf& out_;
  std::string_view text_;
  bool spaced_;
  std::string rule_ = "the first rule";
  std::string token_;
  std::string error_;
};

// --- recognising --------------------------------------------------------------------------------

class Ebnf::Matcher {
 public:
  // With `trail`, the parts that the match is made of; without, results are remembered.
  Matcher(std::string_view text, std::vector<const Part*>* trail) : text_(text), trail_(trail) {}

  // Where a match that begins at `pos` ends, or kNone.
  size_t match(const Part& part, size_t pos) {
    const size_t kept = trail_ != nullptr ? trail_->size() : 0;
    if (trail_ != nullptr) trail_->push_back(&part);
    const size_t end = match_kind(part, pos);
    const bool looks = part.kind == Part::Kind::Before || part.kind == Part::Kind::NotBefore;
    if (trail_ != nullptr && (end == kNone || looks)) trail_->resize(kept);
    return end;
  }

 private:
  size_t match_kind(const Part& part, size_t pos) {
    switch (part.kind) {
      case Part::Kind::Sequence:
        for (const Part* inner : part.inner) {
          pos = match(*inner, pos);
          if (pos == kNone) return kNone;
        }
        return pos;
      case Part::Kind::Choice:
        for (const Part* inner : part.inner) {
          if (const size_t end = match(*inner, pos); end != kNone) return end;
        }
        return kNone;
      case Part::Kind::Optional: {
        const size_t end = match(*part.inner[0], pos);
        return end == kNone ? pos : end;
      }
      case Part::Kind::Repeat:
        while (true) {
          const size_t end = match(*part.inner[0], pos);
          if (end == kNone || end == pos) return pos;
          pos = end;
        }
      case Part::Kind::Except:
        return match(*part.inner[1], pos) == kNone ? match(*part.inner[0], pos) : kNone;
      case Part::Kind::Before:
        return match(*part.inner[0], pos) == kNone ? kNone : pos;
      case Part::Kind::NotBefore:
        return match(*part.inner[0], pos) == kNone ? pos : kNone;
      case Part::Kind::Reference:
        return match_rule(part, pos);
      default:
        return match_text(part, part.spaced ? behind_blanks(pos) : pos);
    }
  }

  size_t behind_blanks(size_t pos) const {
    return std::min(text_.find_first_not_of(" \t", pos), text_.size());
  }

  size_t match_text(const Part& part, size_t pos) const {
    if (part.kind == Part::Kind::End) return pos == text_.size() ? pos : kNone;
    if (part.kind == Part::Kind::Mark) {
      return text_.substr(pos).starts_with(kMark) ? pos + kMark.size() : kNone;
    }
    if (part.kind == Part::Kind::Sign) {
      const auto sign = std::find_if(signs().begin(), signs().end(),
                                     [&](const auto& one) { return one.first == part.text; });
      return pos < text_.size() && sign->second(text_[pos]) ? pos + 1 : kNone;
    }
    const size_t end = pos + part.text.size();
    const std::string_view here = text_.substr(pos, part.text.size());
    if (!part.spaced || !is_word(part.text)) return here == part.text ? end : kNone;
    const bool whole = end >= text_.size() || !is_name_char(text_[end]);
    return whole && equal_in_any_case(here, part.text) ? end : kNone;
  }

  size_t match_rule(const Part& part, size_t pos) {
    const Part& rule = *part.rule;
    if (part.spaced && !rule.spaced) pos = behind_blanks(pos);
    if (trail_ != nullptr) return match(rule, pos);
    const auto key = std::pair{&rule, pos};
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    const size_t end = match(rule, pos);
    known_.emplace(key, end);
    return end;
  }

  std::string_view text_;
  std::vector<const Part*>* trail_;
  std::map<std::pair<const Part*, size_t>, size_t> known_;
};

// --- making -------------------------------------------------------------------------------------

class Ebnf::Maker {
 public:
  explicit Maker(std::mt19937_64& random) : random_(random) {}

  // Below a depth of 0 the lowest tree is taken.
  std::string make(const Part& part, int depth) {
    switch (part.kind) {
      case Part::Kind::Sequence: {
        std::string out;
        for (const Part* inner : part.inner) out += make(*inner, depth - 1);
        return out;
      }
      case Part::Kind::Choice:
        return make(choose(part.inner, depth), depth - 1);
      case Part::Kind::Optional:
        return depth > 0 && below(2) == 0 ? make(*part.inner[0], depth - 1) : "";
      case Part::Kind::Repeat: {
        std::string out;
        for (uint64_t i = depth > 0 ? below(4) : 0; i > 0; --i) {
          out += make(*part.inner[0], depth - 1);
        }
        return out;
      }
      case Part::Kind::Except:
        return make_except(part, depth);
      case Part::Kind::Before:
      case Part::Kind::NotBefore:
      case Part::Kind::End:
        return "";
      case Part::Kind::Reference:
        return blanks(part.spaced && !part.rule->spaced) + make(*part.rule, depth - 1);
      case Part::Kind::Mark:
        return std::string(kMark);
      case Part::Kind::Literal:
        return blanks(part.spaced) + part.text;
      case Part::Kind::Sign:
        return make_sign(part.text);
    }
    return "";
  }

  uint64_t below(uint64_t n) { return random_() % n; }

  std::string make_sign(const std::string& name) {
    static constexpr std::string_view kSigns = "\"\\*()[]:,.!|<>=-+#@/%_~";
    if (name == "blank") return " ";
    if (name == "space") return below(6) == 0 ? "\t" : " ";
    if (name == "newline") return "\n";
    if (name == "digit") return std::string(1, static_cast<char>('0' + below(10)));
    const std::string letter(1, static_cast<char>((below(8) == 0 ? 'A' : 'a') + below(26)));
    if (name == "letter" || below(2) == 0) return letter;
    switch (below(10)) {
      case 0:
        return "\xC3\xB6";
      case 1:
        return below(4) == 0 ? "\n" : " ";
      case 2:
        return below(4) == 0 ? "\t" : "7";
      default:
        return std::string(1, kSigns[below(kSigns.size())]);
    }
  }

 private:
  // Words beside each other need one.
  std::string blanks(bool spaced) { return !spaced ? "" : below(4) == 0 ? "" : " "; }

  const Part& choose(const std::vector<Part*>& any, int depth) {
    if (depth > 0) return *any[below(any.size())];
    return **std::min_element(any.begin(), any.end(),
                              [](const Part* a, const Part* b) { return a->height < b->height; });
  }

  std::string make_except(const Part& part, int depth) {
    std::string out;
    for (int i = 0; i < 20; ++i) {
      out = make(*part.inner[0], depth);
      if (Matcher(out, nullptr).match(*part.inner[1], 0) == kNone) return out;
    }
    return out;
  }

  std::mt19937_64& random_;
};

// --- the grammar --------------------------------------------------------------------------------

Ebnf::Ebnf() = default;
Ebnf::~Ebnf() = default;

std::string Ebnf::add(std::string_view block, bool spaced) {
  return Reader(*this, block, spaced).run();
}

// Parts that can become a part of a text: what only looks ahead cannot.
void Ebnf::collect_taken(const Part& part, std::set<const Part*>& taken) {
  if (part.kind == Part::Kind::Before || part.kind == Part::Kind::NotBefore) return;
  if (!taken.insert(&part).second) return;
  if (part.rule != nullptr) collect_taken(*part.rule, taken);
  const bool excepts = part.kind == Part::Kind::Except;
  for (const Part* inner : part.inner) {
    collect_taken(*inner, taken);
    if (excepts) return;
  }
}

std::string Ebnf::finish(const std::string& start) {
  std::set<const Part*> named;
  for (const auto& part : parts_) {
    if (part->kind != Part::Kind::Reference) continue;
    const auto rule = rules_.find(part->text);
    if (rule == rules_.end()) return "there is no rule " + part->text;
    part->rule = rule->second;
    named.insert(rule->second);
  }
  for (const auto& [name, rule] : rules_) {
    if (name != start && !named.contains(rule)) return "nothing uses the rule " + name;
  }
  if (!rules_.contains(start)) return "there is no rule " + start;
  start_ = rules_[start];
  std::set<const Part*> taken;
  collect_taken(*start_, taken);
  std::erase_if(choices_, [&](const auto& choice) { return !taken.contains(choice.first); });
  measure_heights();
  return start_->height == std::numeric_limits<int>::max() ? "no text ends" : "";
}

void Ebnf::measure_heights() {
  // By repetition until nothing changes.
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& part : parts_) {
      const bool skipped = part->kind == Part::Kind::Optional || part->kind == Part::Kind::Repeat ||
                           part->kind == Part::Kind::Before || part->kind == Part::Kind::NotBefore;
      int height = part->kind == Part::Kind::Choice ? std::numeric_limits<int>::max() : 0;
      if (part->rule != nullptr) height = part->rule->height;
      for (const Part* inner : part->inner) {
        if (skipped) break;
        height = part->kind == Part::Kind::Choice ? std::min(height, inner->height)
                                                  : std::max(height, inner->height);
      }
      if (height != std::numeric_limits<int>::max()) ++height;
      if (height < part->height) {
        part->height = height;
        changed = true;
      }
    }
  }
}

bool Ebnf::accepts(std::string_view text) const {
  return Matcher(text, nullptr).match(*start_, 0) != kNone;
}

bool Ebnf::use(std::string_view text) {
  std::vector<const Part*> trail;
  const bool accepted = Matcher(text, &trail).match(*start_, 0) != kNone;
  used_.insert(trail.begin(), trail.end());
  return accepted;
}

std::vector<std::string> Ebnf::unused() const {
  std::set<std::string> names;
  for (const auto& [part, name] : choices_) {
    if (!used_.contains(part)) names.insert(name);
  }
  return {names.begin(), names.end()};
}

std::string Ebnf::random_text(std::mt19937_64& random) const {
  constexpr int kDepth = 40;
  Maker maker(random);
  return maker.make(*start_, static_cast<int>(5 + maker.below(kDepth)));
}

std::string Ebnf::random_piece(std::mt19937_64& random) const {
  Maker maker(random);
  if (maker.below(3) == 0) return maker.make_sign("char");
  return literals_[maker.below(literals_.size())];
}

}  // namespace cairn::testing
