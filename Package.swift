// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is compiled with.
///
/// `NonisolatedNonsendingByDefault` is essential: objects that belong to the event loop are plain classes, and their
/// asynchronous methods run where their caller runs, which is the loop. See `Sources/EventLoop/EventLoop.swift`.
/// `strictMemorySafety`: each use of a pointer is marked `unsafe`.
let swiftSettings: [SwiftSetting] =
    [
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .strictMemorySafety(),
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")

func target(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func testTarget(_ name: String, _ dependencies: Target.Dependency..., exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], exclude: exclude, swiftSettings: swiftSettings)
}

/// What builds the documentation: for scripts/docs only.
let documentation: [Package.Dependency] =
    Context.environment["PROMPTD_DOCS"] == nil
    ? [] : [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0")]

/// Whether this is a build of the fuzzers: for scripts/fuzz only. The command is then a library, which they link.
let isFuzzing = Context.environment["PROMPTD_FUZZ"] != nil

func commandTarget(_ name: String, _ dependencies: Target.Dependency..., resources: [Resource]) -> Target {
    isFuzzing
        ? .target(
            name: name, dependencies: dependencies, resources: resources,
            swiftSettings: swiftSettings + [
                .unsafeFlags(["-Xfrontend", "-entry-point-function-name", "-Xfrontend", name])
            ])
        : .executableTarget(
            name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

/// The checks of the fuzzers. The tests replay their corpus; scripts/fuzz has libFuzzer drive them.
func fuzzTarget(_ dependencies: Target.Dependency...) -> Target {
    let others = ["C", "Corpus", "Dictionaries", "Driver/driver.c"]
    return isFuzzing
        ? .executableTarget(
            name: "Fuzz", dependencies: dependencies, path: "Tests/Fuzz", exclude: others + ["Replay"],
            sources: ["Checks", "Driver"], swiftSettings: swiftSettings)
        : .testTarget(
            name: "FuzzTests", dependencies: dependencies, path: "Tests/Fuzz", exclude: others + ["Driver"],
            sources: ["Checks", "Replay"], swiftSettings: swiftSettings)
}

let package = Package(
    name: "promptd",
    products: [
        isFuzzing ? .executable(name: "fuzz", targets: ["Fuzz"]) : .executable(name: "promptd", targets: ["promptd"]),
        .library(name: "EventLoop", targets: ["EventLoop"]),
        .library(name: "HTTPServer", targets: ["HTTPServer", "EventLoop"]),
        .library(name: "FunctionHost", targets: ["FunctionHost", "HTTPServer", "EventLoop"]),
        .library(name: "Ollama", targets: ["Ollama", "HTTPClient", "EventLoop"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ] + documentation,
    targets: [
        .target(
            name: "CLibevent",
            linkerSettings: ["event_core", "event_extra", "ssl", "crypto"].map { .linkedLibrary($0) }),
        target("EventLoop", "CLibevent"),
        target("JSON"),
        target("HTTPServer", "EventLoop", "CLibevent", logging),
        target("HTTPClient", "EventLoop", "CLibevent"),
        target("FunctionHost", "HTTPServer", "EventLoop", logging),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        target("ContentCodings", "CZlib", "CZstd"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        target("Digests", "COpenSSL"),
        target("Telemetry", metrics),
        target("APIs", "JSON"),
        target("Ollama", "APIs", "HTTPClient", "EventLoop", "JSON"),
        target("OpenAI", "Ollama", "APIs", "HTTPClient", "EventLoop", "JSON"),
        target(
            "PromptFunction", "FunctionHost", "HTTPServer", "Ollama", "OpenAI", "APIs", "ContentCodings", "HTTPClient",
            "Digests", "Telemetry", "EventLoop", "JSON", logging, metrics
        ),
        target("StandIn", "HTTPServer", "EventLoop", logging),
        commandTarget(
            "promptd", "PromptFunction", "FunctionHost", "StandIn", "HTTPServer", "HTTPClient", "Ollama", "OpenAI",
            "APIs", "ContentCodings", "Digests", "Telemetry", "EventLoop", "JSON", argumentParser, logging, metrics,
            histogram,
            resources: [.embedInCode("Admin/page.html")]),
        .target(
            name: "TestSupport", dependencies: ["EventLoop", logging], path: "Tests/TestSupport", exclude: ["Programs"],
            swiftSettings: swiftSettings),
        .target(name: "CLibeventInternals", dependencies: ["CLibevent"], path: "Tests/CLibeventInternals"),
        .target(name: "CFuzzChecks", dependencies: ["CLibevent"], path: "Tests/Fuzz/C"),
        fuzzTarget(
            "CFuzzChecks", "promptd", "PromptFunction", "FunctionHost", "HTTPServer", "HTTPClient", "Ollama", "OpenAI",
            "APIs", "JSON", argumentParser),
        testTarget("CLibeventTests", "CLibeventInternals", "CLibevent"),
        testTarget("EventLoopTests", "EventLoop"),
        testTarget("HTTPServerTests", "HTTPServer", "FunctionHost", "EventLoop", logging),
        testTarget("HTTPClientTests", "HTTPClient", "EventLoop"),
        testTarget("TelemetryTests", "Telemetry", metrics),
        testTarget("ContentCodingsTests", "ContentCodings", "CZlib", "CZstd"),
        testTarget("APIsTests", "APIs", "JSON"),
        testTarget("OllamaTests", "Ollama", "HTTPClient", "EventLoop", "JSON"),
        testTarget("OpenAITests", "OpenAI", "Ollama", "APIs", "HTTPClient", "JSON"),
        testTarget(
            "PromptFunctionTests", "PromptFunction", "FunctionHost", "StandIn", "Ollama", "OpenAI", "APIs",
            "HTTPClient",
            "HTTPServer", "Telemetry", "Digests", "EventLoop", "JSON", logging, exclude: ["Forwarding/Captures"]),
        testTarget(
            "promptdTests", "promptd", "PromptFunction", "FunctionHost", "Ollama", "HTTPClient", "HTTPServer",
            "EventLoop", logging),
    ]
)
