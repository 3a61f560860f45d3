#include "server/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/version.h"
#include "server/alert_calls.h"
#include "server/alert_subscription.h"
#include "server/command.h"
#include "server/convert.h"
#include "server/issue_calls.h"
#include "server/question.h"
#include "server/run_call.h"
#include "server/subscription.h"
#include "server/worker_call.h"

namespace cairn::server {
namespace {

constexpr uint32_t kProtocol = 1;
constexpr uint32_t kIngestWindow = 8;
constexpr uint32_t kMostKnown = 10'000;         // of one call of known()
constexpr uint32_t kMostSubscribed = 1'000;     // issues of one subscription
constexpr uint32_t kSubscribed = 100;           // unless said otherwise
constexpr uint64_t kMostSubscriptions = 1'000;  // of a server: each asks twice a second at most

kj::uint u32(uint64_t limit) {
  return static_cast<kj::uint>(std::min<uint64_t>(limit, std::numeric_limits<kj::uint>::max()));
}

void write_server(schema::ServerInfo::Builder out, Host& host) {
  out.setProtocol(kProtocol);
  out.setVersion(kj::StringPtr(kVersion.data(), kVersion.size()));
  out.setStoreId(host.store_id.c_str());
  if (const auto snapshot = host.store.snapshot(); snapshot) out.setLsn(raw((*snapshot)->lsn()));
  auto limits = out.initLimits();
  limits.setMaxMessageBytes(host.config.session.message_bytes);
  limits.setIngestWindow(kIngestWindow);
  limits.setMaxCalls(u32(host.config.session.calls));
  limits.setMaxRows(query::kMaxLimit);
}

Refusal denied(verbs::Scope scope, std::string_view what) {
  return Refusal::deny(fmt::format("{} needs the scope {}, which this session does not have", what,
                                   verbs::scope_name(scope)));
}

class IngestImpl final : public schema::Ingest::Server {
 public:
  IngestImpl(Host& host, std::shared_ptr<Caller> caller,
             std::shared_ptr<const IngestSequence> sequence)
      : host_(host), caller_(std::move(caller)), sequence_(std::move(sequence)) {}

  kj::Promise<void> submit(SubmitContext context) override {
    if (auto refusal = refuse()) {
      write_error(context.getResults().initError(), *refusal);
      return kj::READY_NOW;
    }
    const auto lines = context.getParams().getLines();
    std::string text(reinterpret_cast<const char*>(lines.begin()), lines.size());
    context.releaseParams();
    auto held = kj::heap<Caller::Held>(caller_);
    const TimeUs begin = host_.steady.now();
    return host_.ingester.submit(sequence_, std::move(text))
        .then([this, context, begin](IngestAnswer answer) mutable {
          note_time(host_, CallKind::Ingest, caller_->grant().name, "ingest",
                    raw(host_.steady.now()) - raw(begin));
          write_acknowledgement(context.getResults(), answer);
        })
        .attach(kj::mv(held));
  }

  kj::Promise<void> known(KnownContext context) override {
    context.allowCancellation();
    if (auto refusal = caller_->refuse()) {
      write_error(context.getResults().initError(), *refusal);
      return kj::READY_NOW;
    }
    using Refs = std::vector<std::pair<ProjectId, Uuid>>;
    Refs refs;
    for (const auto ref : context.getParams().getOccurrences()) {
      Uuid id;
      const auto bytes = ref.getId();
      if (bytes.size() != id.bytes.size() || refs.size() >= kMostKnown) {
        write_error(context.getResults().initError(),
                    counted(host_, make_error(ErrorCode::InvalidArgument,
                                              "give up to 10,000 ids of 16 bytes each")));
        return kj::READY_NOW;
      }
      std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
      refs.emplace_back(ProjectId{ref.getProject()}, id);
    }
    using Known = std::vector<bool>;
    return answer_on_worker<Known>(
        host_, caller_, context, CallKind::Ingest, "known",
        [host = &host_, refs, rights = sequence_->rights](const auto&) -> Answer<Known> {
          Known known;
          for (const auto& [project, id] : refs) {
            auto has = host->store.has_occurrence(project, id);
            if (!has) return Refusal(has.error());
            known.push_back(*has && rights.allow(project));
          }
          return known;
        },
        [](auto results, const Known& known) {
          auto list = results.initKnown(static_cast<kj::uint>(known.size()));
          for (kj::uint i = 0; i < known.size(); ++i) list.set(i, known[i]);
        });
  }

 private:
  std::optional<Refusal> refuse() {
    if (auto refusal = caller_->refuse()) return refusal;
    if (host_.ingester.waiting_bytes() < host_.config.ingest_bytes) return std::nullopt;
    return counted(host_, Refusal::busy("more lines have come than the store could take so far; "
                                        "send this batch again",
                                        200));
  }

  Host& host_;
  std::shared_ptr<Caller> caller_;
  std::shared_ptr<const IngestSequence> sequence_;
};

class SessionImpl final : public schema::Session::Server {
 public:
  SessionImpl(Host& host, std::shared_ptr<Caller> caller, verbs::Rights rights)
      : host_(host), caller_(std::move(caller)), rights_(std::move(rights)) {
    ++host_.metrics.sessions;
  }
  ~SessionImpl() noexcept(false) { --host_.metrics.sessions; }

  kj::Promise<void> info(InfoContext context) override {
    auto results = context.getResults();
    auto session = results.initSession();
    session.setName(caller_->grant().name.c_str());
    write_rights(session.initRights(), rights_);
    session.setExpiresUs(raw(caller_->grant().expires));
    const SessionLimits& limits = caller_->limits();
    session.setRequestsPerSecond(u32(limits.requests_per_second));
    session.setTimeMs(limits.query_ms);
    session.setMemoryBytes(limits.query_memory_bytes);
    session.setMaxMessageBytes(limits.message_bytes);
    session.setMaxCalls(u32(limits.calls));
    session.setVerbMs(limits.verb_ms);
    write_server(results.initServer(), host_);
    return kj::READY_NOW;
  }

  kj::Promise<void> narrow(NarrowContext context) override {
    verbs::Rights wish = read_rights(context.getParams().getTo());
    verbs::Rights out;
    out.scopes = 0;
    for (size_t i = 0; i < verbs::kScopes; ++i) {
      const auto scope = static_cast<verbs::Scope>(i);
      if (rights_.allow(scope) && wish.allow(scope)) out.scopes |= static_cast<uint8_t>(1u << i);
    }
    out.projects = wish.projects.empty() ? rights_.projects : wish.projects;
    std::erase_if(out.projects, [&](ProjectId project) { return !rights_.allow(project); });
    const bool no_project =
        out.projects.empty() && !(wish.projects.empty() && rights_.projects.empty());
    if (out.scopes == 0 || no_project) {
      write_error(context.getResults().initError(),
                  counted(host_, Refusal::deny("such a session could do nothing")));
      return kj::READY_NOW;
    }
    context.getResults().setSession(kj::heap<SessionImpl>(host_, caller_, std::move(out)));
    return kj::READY_NOW;
  }

  kj::Promise<void> run(RunContext context) override {
    if (auto refusal = caller_->refuse()) {
      write_error(context.getResults().initError(), *refusal);
      return kj::READY_NOW;
    }
    return answer_run(host_, caller_, rights_, context);
  }

  kj::Promise<void> search(SearchContext context) override {
    return ask<PageValue>(
        context, CallKind::Search, answer_page,
        [](auto results, const PageValue& page) { write_page(results.initPage(), page); });
  }

  kj::Promise<void> aggregate(AggregateContext context) override {
    return ask<query::Table>(
        context, CallKind::Aggregate, answer_table,
        [](auto results, const query::Table& table) { write_table(results.initTable(), table); });
  }

  kj::Promise<void> ingest(IngestContext context) override {
    auto refusal = caller_->refuse();
    if (!refusal && !rights_.allow(verbs::Scope::Ingest)) {
      refusal = counted(host_, denied(verbs::Scope::Ingest, "ingest"));
    }
    if (refusal) {
      write_error(context.getResults().initError(), *refusal);
      return kj::READY_NOW;
    }
    auto sequence = std::make_shared<IngestSequence>();
    const auto actor = context.getParams().getActor();
    sequence->actor = actor.size() > 0 ? text_of(actor) : std::string();
    sequence->input_time = context.getParams().getInputTime();
    sequence->rights = rights_;
    context.getResults().setIngest(kj::heap<IngestImpl>(host_, caller_, std::move(sequence)));
    return kj::READY_NOW;
  }

  kj::Promise<void> subscribe(SubscribeContext context) override {
    context.allowCancellation();
    const auto params = context.getParams();
    auto refusal = refuse_subscription();
    if (!refusal && (params.getLimit() > kMostSubscribed || !params.hasListener())) {
      refusal = counted(host_, make_error(ErrorCode::InvalidArgument,
                                          "give a listener and a limit of at most 1,000"));
    }
    if (refusal) {
      write_error(context.getResults().initError(), *refusal);
      return kj::READY_NOW;
    }
    Question question;
    question.query = text_of(params.getQuery());
    question.options.now = SystemClock().now();
    question.options.limit = params.getLimit() == 0 ? kSubscribed : params.getLimit();
    question.options.control.budget = budget_of(caller_->limits(), 0);
    question.rights = rights_;
    auto listener = params.getListener();
    auto held = kj::heap<Caller::Held>(caller_);
    return host_.workers
        .run<Answer<PageValue>>([host = &host_, question](const auto& cancelled) {
          return answer_page(*host, question, cancelled);
        })
        .then([this, context, question, listener](Answer<PageValue> answer) mutable {
          if (auto* why = std::get_if<Refusal>(&answer)) {
            write_error(context.getResults().initError(), counted(host_, *why));
            return;
          }
          context.getResults().setSubscription(
              make_subscription(host_, caller_, std::move(question),
                                std::move(std::get<PageValue>(answer)), kj::mv(listener)));
        })
        .attach(kj::mv(held));
  }

  kj::Promise<void> execute(ExecuteContext context) override {
    context.allowCancellation();
    const auto params = context.getParams();
    const auto command = read_command(params.getCommand());
    auto refusal = caller_->refuse();
    if (!refusal && !command) refusal = counted(host_, command.error());
    if (!refusal && !rights_.allow(scope_of(*command))) {
      refusal = counted(host_, denied(scope_of(*command), name_of(*command)));
    }
    if (refusal) {
      write_error(context.getResults().initError(), *refusal);
      return kj::READY_NOW;
    }
    v1::WriteOptions options{text_of(params.getActor()), text_of(params.getKey())};
    if (options.actor.empty()) options.actor = caller_->grant().name;
    context.releaseParams();
    query::Control control;
    control.budget = budget_of(caller_->limits(), 0);
    control.clock = &host_.steady;
    return answer_on_worker<v1::Executed>(
        host_, caller_, context, CallKind::Execute, std::string(name_of(*command)),
        [host = &host_, command = *command, options, rights = rights_,
         control](const auto& cancelled) {
          query::Control watched = control;
          watched.cancelled = &cancelled;
          return execute_command(*host, command, options, rights, watched);
        },
        [](auto results, const v1::Executed& done) { write_executed(results.initDone(), done); });
  }

  kj::Promise<void> history(HistoryContext context) override {
    const auto params = context.getParams();
    return ask_issue<HistoryValue>(
        context, read_history(text_of(params.getIssue()), params.getLimit()), "history",
        [](Host& host, const HistoryQuestion& question, const verbs::Rights& rights, const auto&) {
          return answer_history(host, question, rights);
        },
        [](auto results, const HistoryValue& value) {
          write_history(results.initHistory(), value);
        });
  }

  kj::Promise<void> events(EventsContext context) override {
    return ask_issue<v1::EventPage>(
        context, read_events(context.getParams(), caller_->limits()), "events", answer_events,
        [](auto results, const v1::EventPage& page) { write_events(results.initPage(), page); });
  }

  kj::Promise<void> experiments(ExperimentsContext context) override {
    return ask_issue<ExperimentsValue>(
        context, Result<bool>(true), "experiments",
        [](Host& host, bool, const verbs::Rights& rights, const auto&) {
          return answer_experiments(host, rights);
        },
        [](auto results, const ExperimentsValue& value) {
          results.setLsn(raw(value.lsn));
          const auto count = static_cast<kj::uint>(value.experiments.size());
          write_experiments(results.initExperiments(count), value.experiments);
        });
  }

  kj::Promise<void> compare(CompareContext context) override {
    const auto params = context.getParams();
    return ask_issue<ComparisonValue>(
        context,
        read_comparison(text_of(params.getBefore()), text_of(params.getAfter()), params.getLimit()),
        "compare",
        [](Host& host, const ComparisonQuestion& question, const verbs::Rights& rights,
           const auto&) { return answer_comparison(host, question, rights); },
        [](auto results, const ComparisonValue& value) {
          write_comparison(results.initComparison(), value);
        });
  }

  // --- alerts ---

  kj::Promise<void> addRules(AddRulesContext context) override {
    const auto params = context.getParams();
    auto wish = read_new_rules(params.getRules(), options_of(params));
    auto refusal = refuse_without(verbs::Scope::Admin, "addRules");
    if (!refusal && !wish) refusal = counted(host_, wish.error());
    if (refusal) {
      write_error(context.getResults().initError(), *refusal);
      return kj::READY_NOW;
    }
    context.releaseParams();
    auto shared = std::make_shared<const RulesToAdd>(std::move(*wish));
    return answer_on_worker<AddedRules>(
        host_, caller_, context, CallKind::Alert, "addRules",
        [host = &host_, shared, rights = rights_](const auto&) {
          return add_rules(*host, *shared, rights);
        },
        [](auto results, const AddedRules& value) {
          results.setLsn(raw(value.lsn));
          write_added(results.initAdded(static_cast<kj::uint>(value.items.size())), value);
        });
  }

  kj::Promise<void> rules(RulesContext context) override {
    const auto params = context.getParams();
    return ask_issue<RulesValue>(
        context, read_rules(params.getAfter(), params.getLimit(), params.getOpenOnly()), "rules",
        [](Host& host, const RulesQuestion& question, const verbs::Rights& rights, const auto&) {
          return answer_rules(host, question, rights);
        },
        [](auto results, const RulesValue& value) {
          results.setLsn(raw(value.lsn));
          results.setTotal(value.total);
          write_rules(results.initRules(static_cast<kj::uint>(value.rules.size())), value);
        },
        CallKind::Alert);
  }

  kj::Promise<void> incidents(IncidentsContext context) override {
    const auto params = context.getParams();
    return ask_issue<IncidentsValue>(
        context,
        read_incidents(params.getRule(), params.getOpenOnly(), params.getBefore(),
                       params.getLimit()),
        "incidents",
        [](Host& host, const IncidentsQuestion& question, const verbs::Rights& rights,
           const auto&) { return answer_incidents(host, question, rights); },
        [](auto results, const IncidentsValue& value) {
          results.setLsn(raw(value.lsn));
          results.setTotal(value.total);
          const auto count = static_cast<kj::uint>(value.incidents.size());
          write_incidents(results.initIncidents(count), value);
        },
        CallKind::Alert);
  }

  kj::Promise<void> changeRule(ChangeRuleContext context) override {
    const auto params = context.getParams();
    auto rule = alert::parse_rule(text_of(params.getTo()));
    if (!rule) {
      auto refusal = refuse_without(verbs::Scope::Admin, "changeRule");
      if (!refusal) refusal = counted(host_, rule.error());
      write_error(context.getResults().initError(), *refusal);
      return kj::READY_NOW;
    }
    return change_alerts(context, alert::ChangeRule{params.getRule(), *std::move(rule)},
                         "changeRule");
  }
  kj::Promise<void> setPaused(SetPausedContext context) override {
    const auto params = context.getParams();
    return change_alerts(context, alert::PauseRule{params.getRule(), params.getPaused()},
                         "setPaused");
  }
  kj::Promise<void> removeRule(RemoveRuleContext context) override {
    return change_alerts(context, alert::RemoveRule{context.getParams().getRule()}, "removeRule");
  }
  kj::Promise<void> acknowledge(AcknowledgeContext context) override {
    return change_alerts(context, alert::AcknowledgeIncident{context.getParams().getIncident()},
                         "acknowledge");
  }
  kj::Promise<void> comment(CommentContext context) override {
    const auto params = context.getParams();
    return change_alerts(context,
                         alert::CommentIncident{params.getIncident(), text_of(params.getText())},
                         "comment");
  }
  kj::Promise<void> close(CloseContext context) override {
    return change_alerts(context, alert::CloseIncident{context.getParams().getIncident()}, "close");
  }

  kj::Promise<void> subscribeAlerts(SubscribeAlertsContext context) override {
    const auto params = context.getParams();
    auto refusal = refuse_subscription();
    if (!refusal && !params.hasListener()) {
      refusal = counted(host_, make_error(ErrorCode::InvalidArgument, "give a listener"));
    }
    if (refusal) {
      write_error(context.getResults().initError(), *refusal);
      return kj::READY_NOW;
    }
    const alert::NotificationPlace after{Lsn{params.getAfterLsn()}, params.getAfterOrdinal()};
    context.getResults().setSubscription(
        make_alert_subscription(host_, caller_, rights_, after, params.getListener()));
    return kj::READY_NOW;
  }

 private:
  std::optional<Refusal> refuse_without(verbs::Scope scope, std::string_view what) {
    auto refusal = caller_->refuse();
    if (!refusal && !rights_.allow(scope)) refusal = counted(host_, denied(scope, what));
    return refusal;
  }

  std::optional<Refusal> refuse_subscription() {
    auto refusal = refuse_question();
    if (!refusal && host_.metrics.subscriptions >= kMostSubscriptions) {
      refusal = counted(host_, Refusal::busy("there are too many subscriptions", 10'000));
    }
    return refusal;
  }

  // Who writes, and the key, of calls that have both.
  template <class Params>
  engine::ExecuteOptions options_of(Params params) const {
    engine::ExecuteOptions options{text_of(params.getActor()), text_of(params.getKey())};
    if (options.actor.empty()) options.actor = caller_->grant().name;
    return options;
  }

  template <class Context>
  kj::Promise<void> change_alerts(Context context, alert::AlertCommand command, const char* name) {
    AlertWish wish{std::move(command), options_of(context.getParams())};
    if (const auto refusal = refuse_without(scope_of(wish), name)) {
      write_error(context.getResults().initError(), *refusal);
      return kj::READY_NOW;
    }
    context.releaseParams();
    return answer_on_worker<engine::ExecuteResult>(
        host_, caller_, context, CallKind::Alert, name,
        [host = &host_, wish = std::move(wish), rights = rights_](const auto&) {
          return fulfil(*host, wish, rights);
        },
        [](auto results, const engine::ExecuteResult& done) {
          auto out = results.initDone();
          out.setLsn(raw(done.lsn));
          out.setOutcome(static_cast<schema::Outcome>(done.outcome));
        });
  }

  std::optional<Refusal> refuse_question() {
    auto refusal = caller_->refuse();
    if (!refusal && !rights_.allow(verbs::Scope::Read)) {
      refusal = counted(host_, denied(verbs::Scope::Read, "a question"));
    }
    return refusal;
  }

  template <class T, class Context, class Work, class Write>
  kj::Promise<void> ask(Context context, CallKind kind, Work work, Write write) {
    context.allowCancellation();
    auto refusal = refuse_question();
    auto question = read_question(context.getParams(), caller_->limits(), rights_);
    if (!refusal && !question) refusal = counted(host_, question.error());
    if (refusal) {
      write_error(context.getResults().initError(), *refusal);
      return kj::READY_NOW;
    }
    context.releaseParams();
    auto shared = std::make_shared<const Question>(std::move(*question));
    return answer_on_worker<T>(
        host_, caller_, context, kind, shared->query,
        [host = &host_, shared, work](const auto& cancelled) {
          return work(*host, *shared, cancelled);
        },
        write);
  }

  // work(host, question, rights, cancelled)
  template <class T, class Context, class Asked, class Work, class Write>
  kj::Promise<void> ask_issue(Context context, Result<Asked> question, const char* name, Work work,
                              Write write, CallKind kind = CallKind::Issue) {
    context.allowCancellation();
    auto refusal = refuse_question();
    if (!refusal && !question) refusal = counted(host_, question.error());
    if (refusal) {
      write_error(context.getResults().initError(), *refusal);
      return kj::READY_NOW;
    }
    context.releaseParams();
    return answer_on_worker<T>(
        host_, caller_, context, kind, name,
        [host = &host_, question = std::move(*question), rights = rights_,
         work](const auto& cancelled) { return work(*host, question, rights, cancelled); },
        write);
  }

  Host& host_;
  const std::shared_ptr<Caller> caller_;
  const verbs::Rights rights_;
};

class DoorImpl final : public schema::Door::Server {
 public:
  DoorImpl(Host& host, Way way, std::function<void(std::shared_ptr<Caller>)> admitted)
      : host_(host), way_(way), admitted_(std::move(admitted)) {}

  kj::Promise<void> info(InfoContext context) override {
    // What is in the store is not for who has no token.
    auto info = context.getResults().initInfo();
    write_server(info, host_);
    info.setLsn(0);
    return kj::READY_NOW;
  }

  kj::Promise<void> authenticate(AuthenticateContext context) override {
    const std::string token = text_of(context.getParams().getToken());
    const std::string client = text_of(context.getParams().getClient());
    auto admitted = host_.gate.admit(token, way_);
    if (auto* refusal = std::get_if<Refusal>(&admitted)) {
      host_.log.warn("denied", {{"client", client}, {"why", refusal->error.message}});
      write_error(context.getResults().initError(), counted(host_, *refusal));
      return kj::READY_NOW;
    }
    Grant grant = std::move(std::get<Grant>(admitted));
    host_.log.info("session", {{"token", grant.name}, {"client", client}});
    verbs::Rights rights = grant.rights;
    auto caller = std::make_shared<Caller>(host_, std::move(grant));
    admitted_(caller);
    context.getResults().setSession(
        kj::heap<SessionImpl>(host_, std::move(caller), std::move(rights)));
    return kj::READY_NOW;
  }

 private:
  Host& host_;
  const Way way_;
  const std::function<void(std::shared_ptr<Caller>)> admitted_;
};

}  // namespace

schema::Door::Client make_door(Host& host, Way way,
                               std::function<void(std::shared_ptr<Caller>)> admitted) {
  return kj::heap<DoorImpl>(host, way, std::move(admitted));
}

}  // namespace cairn::server
