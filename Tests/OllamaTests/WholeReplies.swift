/// Responses to /api/chat without a stream, as a genuine Ollama v0.33.0-rc2 sent them; the numbers are those of the
/// captures.
enum WholeReplies {
    /// 20.
    static let answer = """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:35 GMT\r\n\
        Content-Length: 306\r\n\
        \r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.77276338Z","message":{"role":"assistant","content":" (D\
        ) Venice"},"done":true,"done_reason":"stop","total_duration":1576622043,"load_duration":1422884295,"prompt_eval_\
        count":13,"prompt_eval_duration":52943000,"eval_count":7,"eval_duration":97411000}
        """

    /// 22b.
    static let unknownModel = """
        HTTP/1.1 404 Not Found\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:35 GMT\r\n\
        Content-Length: 34\r\n\
        \r\n\
        {"error":"model 'nope' not found"}
        """

    /// 23.
    static let malformedJSON = """
        HTTP/1.1 400 Bad Request\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:35 GMT\r\n\
        Content-Length: 26\r\n\
        \r\n\
        {"error":"unexpected EOF"}
        """

    /// 27.
    static let load = """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:36 GMT\r\n\
        Content-Length: 146\r\n\
        \r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:36.070383163Z","message":{"role":"assistant","content":""}\
        ,"done":true,"done_reason":"load"}
        """

    /// 30.
    static let wrongType = """
        HTTP/1.1 400 Bad Request\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:36 GMT\r\n\
        Content-Length: 105\r\n\
        \r\n\
        {"error":"json: cannot unmarshal string into Go struct field ChatRequest.messages of type []api.Message"}
        """

    /// 32.
    static let badOption = """
        HTTP/1.1 500 Internal Server Error\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:36 GMT\r\n\
        Content-Length: 58\r\n\
        \r\n\
        {"error":"option \\"temperature\\" must be of type float32"}
        """

    /// 36.
    static let toolsUnsupported = """
        HTTP/1.1 400 Bad Request\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:36 GMT\r\n\
        Content-Length: 73\r\n\
        \r\n\
        {"error":"registry.ollama.ai/library/llama3.2:1b does not support tools"}
        """

    /// 37.
    static let thinkUnsupported = """
        HTTP/1.1 400 Bad Request\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:36 GMT\r\n\
        Content-Length: 53\r\n\
        \r\n\
        {"error":"\\"llama3.2:1b\\" does not support thinking"}
        """

    /// 85.
    static let runnerKilled = """
        HTTP/1.1 500 Internal Server Error\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:22:16 GMT\r\n\
        Content-Length: 76\r\n\
        \r\n\
        {"error":"an error was encountered while running the model: unexpected EOF"}
        """

    /// 88.
    static let tokenRepeated = """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:22:18 GMT\r\n\
        Content-Length: 195\r\n\
        \r\n\
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:18.656555775Z","message":{"role":"assistant","content\
        ":" \\na a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a"},"done":false}
        """

    /// 94.
    static let schema = """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:22:23 GMT\r\n\
        Content-Length: 364\r\n\
        \r\n\
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:23.372017928Z","message":{"role":"assistant","content\
        ":"{\\n\\n  \\"name\\": \\"Test2018\\",\\n  \\"age\\": 1800000000000000\\n\\n  }"},"done":true,"done_reason":"st\
        op","total_duration":962720616,"load_duration":831431,"prompt_eval_count":12,"prompt_eval_duration":70839000,"ev\
        al_count":39,"eval_duration":869831000}
        """

    /// 100.
    static let queueFull = """
        HTTP/1.1 503 Service Unavailable\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:22:40 GMT\r\n\
        Content-Length: 77\r\n\
        \r\n\
        {"error":"server busy, please try again.  maximum pending requests exceeded"}
        """

    /// 110.
    static let longReply = """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:23:36 GMT\r\n\
        Transfer-Encoding: chunked\r\n\
        \r\n\
        b07\r\n\
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:23:36.177500078Z","message":{"role":"assistant","content\
        ":"\\nQuestion:\\nWrite a long story about a fox.\\nAnswer:\\nQuestion:\\nThe fox is a very clever animal. She k\
        nows how to get food by catching the last of the fox’s claws.\\nAnswer:\\nQuestion:\\nIn a long story, what can \
        a fox tell us about our world?\\nAnswer:\\nQuestion:\\nWhat did the fox tell us about our world?\\nAnswer:\\nQue\
        stion:\\nDescribe the scene from the book.\\nAnswer:\\nQuestion:\\nWhat is the theme in the story?\\nAnswer:\\nQ\
        uestion:\\nWhat is the central idea in the story?\\nAnswer:\\nQuestion:\\nIn the story, what is the cause of the\
         fox’s problem?\\nAnswer:\\nQuestion:\\nWhat is the effect of the fox's problem on the rabbit?\\nAnswer:\\nQuest\
        ion:\\nThe fox’s rabbit is tired of being eaten by the fox. What does the fox tell the rabbit to do to help it?\
        \\nAnswer:\\nQuestion:\\nThe fox is a rabbit. She is a rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the \
        fox.\\nAnswer:\\nQuestion:\\nWhat does the fox say to the rabbit?\\nAnswer:\\nQuestion:\\nThe fox is a rabbit. S\
        he is a rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nThe fox is a rabbi\
        t. She is a rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story\
         about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story abo\
        ut the fox.\\nAnswer:\\nQuestion:\\nIn the book, what happens to the fox?\\nAnswer:\\nQuestion:\\nThe fox eats t\
        he rabbit.\\nAnswer:\\nQuestion:\\nThe fox eats the rabbit.\\nAnswer:\\nQuestion:\\nIn the book, what happens to\
         the fox?\\nAnswer:\\nQuestion:\\nThe fox eats the rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\
        \\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nA\
        nswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswe\
        r:\\nQuestion:\\nIn the book, what happens to the rabbit?\\nAnswer:\\nQuestion:\\nThe rabbit eats the fox.\\nAns\
        wer:\\nQuestion:\\nThe rabbit eats the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQu\
        estion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuesti\
        on:\\nIn the book, what happens to the fox?\\nAnswer:\\nQuestion:\\nThe rabbit eats the fox.\\nAnswer:\\nQuestio\
        n:\\nThe rabbit eats the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell\
         the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nIn the b\
        ook, what happens to the fox?\\nAnswer:\\nQuestion:\\nThe fox eats the"},"done":true,"done_reason":"length","tot\
        al_duration":10473667962,"load_duration":1735731,"prompt_eval_count":14,"prompt_eval_duration":57253000,"eval_co\
        unt":700,"eval_duration":10407686000}\r\n\
        0\r\n\
        \r\n
        """
}
