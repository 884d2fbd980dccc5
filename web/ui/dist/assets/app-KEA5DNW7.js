import{a as O}from"./part-PCHYMAUF.js";import{a as Se,b as Ee}from"./part-CPPWWOOG.js";import{d as ke}from"./part-LTEP3AIT.js";import{a as K}from"./part-BBONDAZD.js";import{a as L,c as ue,j as de,l as me,p as pe,r as U,u as Z,y as fe,z as $e}from"./part-IZMKATDS.js";import{b as j,c as ve}from"./part-XH3UVEMW.js";import{a as B,b as he,c as W,d as I}from"./part-PWCCSJNW.js";import{a as n,b as w,c as V,d as ee,e as te,f as ne,g as be,h as p,i as ge,j as A,m as we,n as ye}from"./part-RIRFS6HY.js";import{a as _,g,h as ce,m as X}from"./part-NOEROMEE.js";import{A as re,B as ie,C as J,E as F,G as le,b as se,c,d,f as y,i as oe,o as v,p as h,q,s as N,t as C,u as H,v as T,y as k,z as D}from"./part-IAWYZLG6.js";function xe(e,t,a,r){if(r){let u=t==="4"||t==="9"?2:1;return{columns:u,rows:Math.ceil(e/u),first:0,count:e,page:0,pages:1}}let i=t==="auto"?Math.min(16,Math.max(1,e)):Number(t),s=Math.max(1,Math.ceil(e/i)),l=Math.min(Math.max(0,a),s-1),o=Math.ceil(Math.sqrt(i));return{columns:o,rows:Math.ceil(i/o),first:l*i,count:i,page:l,pages:s}}var Ue=4e3;function We(e){let[t,a]=c(!0),[r,i]=c(!document.hidden);return d(()=>{let s=0,l=new IntersectionObserver(([u])=>a(u.isIntersecting),{rootMargin:"120px"});e.current&&l.observe(e.current);let o=()=>{clearTimeout(s),document.hidden?s=window.setTimeout(()=>i(!1),Ue):i(!0)};return document.addEventListener("visibilitychange",o),()=>{clearTimeout(s),l.disconnect(),document.removeEventListener("visibilitychange",o)}},[]),t&&r}function Te({camera:e,large:t,index:a}){let r=y(null),i=y(null),s=y(null),l=y(null),[o,u]=c({s:"idle",text:""}),[m,f]=c(!1),[b,P]=c("auto"),S=We(r)&&ne(e),M=b!=="auto"?b:!t&&e.sub_url?"sub":"main",R=v.value.link==="open";d(()=>{let x=new Se(e.id,i.current,s.current,{onState:(Y,De)=>u({s:Y,text:De})});return l.current=x,()=>x.destroy()},[e.id]),d(()=>{S?R&&l.current?.open(M):l.current?.close()},[S,M,R,e.id]),d(()=>{t||f(!1)},[t]);let E=()=>{document.fullscreenElement?document.exitFullscreen():r.current?.requestFullscreen?.()},z=()=>I("playback",e.id,`t=${Math.round(k.value-3e4)}`),$=fe(h.value?.role)&&e.record!==!1&&(e.record_mode??"continuous")!=="continuous"&&e.state!=="disabled"&&!ie.value,qe=()=>t||r.current?.contains(document.activeElement);return j(x=>{if(qe()){if(x==="f")return E(),!0;if(x==="r"&&$)return Ce(e),!0;if(x==="m"&&t)return f(Y=>!Y),!0}}),n`<article class="tile ${t?"tile-large":""} tile-${o.s}" ref=${r} data-cam=${e.id} data-testid="tile-${e.id}" data-live=${o.s}
      aria-label="${e.name}, ${te(ee(e))}">
    <div class="tile-picture">
      <canvas ref=${s} class="tile-still" aria-hidden="true"></canvas>
      <video ref=${i} autoplay playsInline muted=${!m} disablePictureInPicture=${!t} data-testid="tile-video-${e.id}"></video>
      ${o.s==="playing"&&T.value==="on"&&n`<${Ee} camera=${e.id} on=${!0} />`}
      <${Qe} c=${e} state=${o.s} text=${o.text} />
      ${!t&&n`<a class="tile-open" href=${W("live",e.id)} tabIndex=${a===0?0:-1} onFocus=${Ke} data-testid="tile-open-${e.id}"><span class="sr">Enlarge ${e.name}</span></a>`}
      ${o.s==="stalled"&&n`<p class="tile-banner" role="status"><${w} name="warn" size=${16} />${U(o.text||"The picture stands still")} Reconnecting…</p>`}
    </div>
    <footer class="tile-foot">
      ${t&&n`<${p} icon="grid" label="All cameras" onClick=${()=>I("live")} testid="tile-back" />`}
      <span class="tile-name" title=${e.name}>${e.name}</span>
      <${be} state=${ee(e)} short />
      ${t&&n`<${je} c=${e} />`}
      <span class="tile-gap"></span>
      ${t&&e.sub_url&&n`<label class="pick small"><span class="sr">Stream</span><select value=${b} data-testid="tile-stream" onChange=${x=>P(x.target.value)}>
        <option value="auto">Auto</option><option value="main">Main stream</option><option value="sub">Sub stream</option></select></label>`}
      ${t&&n`<${p} icon=${m?"sound":"muted"} label="Sound" pressed=${m} onClick=${()=>f(!m)} testid="tile-mute" />`}
      ${t&&$&&n`<${p} icon="record" label="Record now" onClick=${()=>Ce(e)} testid="tile-record" />`}
      ${t&&n`<${p} icon="boxes" label="Boxes around what was seen" pressed=${T.value==="on"} onClick=${()=>T.value=T.value==="on"?"off":"on"} testid="tile-boxes" />`}
      <${p} icon="playback" label="Playback of ${e.name}" onClick=${z} testid="tile-playback-${e.id}" />
      ${t&&n`<${p} icon="full" label="Full screen" onClick=${E} testid="tile-fullscreen" />`}
    </footer>
  </article>`}async function Ce(e){try{let{until:t}=await ce.trigger(e.id,"by hand");F("good",`${e.name} is recorded until ${L(Date.parse(t),C.value)}.`)}catch(t){F("error",t.message)}}function je({c:e}){let t=e.recording_now,a=Date.parse(t?.until??"");return!t?.active||!Z(t.why)?null:n`<span class="tile-why">${Z(t.why)}${Number.isFinite(a)?`, until ${L(a,C.value)}`:""}</span>`}function Ke(e){for(let t of document.querySelectorAll(".tile-open"))t.tabIndex=t===e.target?0:-1}var Ge=e=>t=>{let a=k.peek();t.currentTarget.href=X.clipURL(e,a-6e4,a)};function Qe({c:e,state:t,text:a}){let r=e.state_since?Date.parse(e.state_since):NaN,i=Number.isFinite(r)?` since ${L(r,C.value,!1)}`:"";if(!ne(e)){let s=e.state==="connecting"?"Connecting to the camera":te(e.state)+i;return n`<div class="veil veil-${e.state}"><i class="glyph glyph-${e.state}" aria-hidden="true"></i><b>${s}</b>${e.state_reason&&n`<span>${U(e.state_reason)}</span>`}</div>`}if(t==="unsupported"){let s=k.peek()-6e4;return n`<div class="veil veil-codec" role="status" data-testid="unsupported-${e.id}"><${w} name="info" size=${22} /><b>This browser cannot show H.265</b>
      <span>${e.state==="recording"?"It is recorded all the same.":""} ${e.sub_url?"":"An H.264 sub stream, or another browser, shows it here."}</span>
      <a class="button small" href=${X.clipURL(e.id,s,s+6e4)} onClick=${Ge(e.id)} download><${w} name="download" size=${16} /><span>Download the last minute</span></a></div>`}return t==="failed"?n`<div class="veil" role="status"><${w} name="warn" size=${22} /><b>No live picture</b><span>${U(a)} Trying again…</span></div>`:t==="connecting"||t==="idle"?n`<div class="veil veil-wait"><i class="spin" aria-hidden="true"></i><span class="sr">Waiting for the picture</span></div>`:null}var G=["auto","1","4","9"];function Ye(){let e="(max-width: 599px)",[t,a]=c(()=>matchMedia(e).matches);return d(()=>{let r=matchMedia(e),i=()=>a(r.matches);return r.addEventListener("change",i),()=>r.removeEventListener("change",i)},[]),t}function Me(){let e=D.value.filter(o=>o.state!=="disabled"),t=D.value.find(o=>o.id===B.value.arg),[a,r]=c(0),i=Ye(),s=xe(e.length,H.value,a,i),l=t?[t]:e.slice(s.first,s.first+s.count);return j((o,u)=>{if(o==="Escape"&&t&&!document.fullscreenElement)return I("live"),!0;if(o==="l"&&!t)return H.value=G[(G.indexOf(H.value)+1)%G.length],!0;if(o==="b")return T.value=T.value==="on"?"off":"on",!0;let m=u.target?.closest?.("[data-cam]")?.getAttribute("data-cam")??t?.id;if(o==="p"&&m)return I("playback",m,`t=${Math.round(k.value-3e4)}`),!0;if(/^[1-9]$/.test(o)&&e[Number(o)-1])return I("live",e[Number(o)-1].id),!0;if(o.startsWith("Arrow"))return t?Xe(o,t.id,e.map(f=>f.id)):Je(o,s.columns)}),D.value.length?n`<main id="main" class="screen live ${t?"live-one":""} ${i?"live-phone":""}">
    <header class="screen-head ${t?"sr":""}">
      <h1 tabIndex=${-1}>${t?t.name:"Live"}</h1>
      ${!t&&n`<div class="live-tools">
        ${s.pages>1&&n`<div class="pager" role="group" aria-label="Page">
          <${p} icon="back" label="Page before" onClick=${()=>r((s.page+s.pages-1)%s.pages)} />
          <span class="mono">${s.first+1}–${Math.min(e.length,s.first+s.count)} of ${e.length}</span>
          <${p} icon="forward" label="Next page" onClick=${()=>r((s.page+1)%s.pages)} />
        </div>`}
        <${ge} label="Cameras at once" testid="layout" value=${H.value} onPick=${o=>H.value=o}
          options=${G.map(o=>({value:o,label:o==="auto"?"Auto":o}))} />
      </div>`}
    </header>
    <div class="grid cols-${t?1:s.columns} rows-${t?1:s.rows}" data-testid="live-grid">
      ${l.map(o=>n`<${Te} key=${o.id} camera=${o} large=${!!t} index=${l.indexOf(o)} />`)}
    </div>
  </main>`:n`<main id="main" class="screen"><h1 tabIndex=${-1}>Live</h1>
      <${we} title="No cameras yet"><p>Add the first one; it records as soon as its picture arrives.</p>
      <a class="button primary" href="#/cameras/new" data-testid="live-add">Add a camera</a><//></main>`}function Je(e,t){let a=[...document.querySelectorAll(".tile-open")],r=a.indexOf(document.activeElement),i={ArrowLeft:-1,ArrowRight:1,ArrowUp:-t,ArrowDown:t}[e]??0,s=r<0?0:r+i;return a[s]?.focus(),!0}function Xe(e,t,a){let r={ArrowLeft:-1,ArrowRight:1}[e];return!r||a.length<2?!1:(location.hash=W("live",a[(a.indexOf(t)+r+a.length)%a.length]),!0)}var ae=8;function Le(){let[e,t]=c(null),[a,r]=c(!1),[i,s]=c(""),l=async()=>{s("");try{t(await g.setup())}catch(o){s(o.message)}};return d(()=>{l()},[]),n`<main id="main" class="gate">
    <div class="gate-brand"><${V} size=${40} /><span class="wordmark">Vedette</span></div>
    <div class="gate-card">
      ${i?n`<div role="alert"><h1>No answer</h1><p>${i}</p><button type="button" class="button primary wide" onClick=${l}>Try again</button></div>`:e===null?n`<p class="muted" role="status">Asking the recorder…</p>`:!e.claimed||a?e.claimable?n`<${tt} again=${e.claimed} left=${e.left} onOver=${l} />`:n`<${Ze} setup=${e} onAgain=${l} />`:n`<${nt} />`}
      ${e?.claimed&&n`<p class="gate-more"><button type="button" class="linkish" onClick=${()=>[r(!a),l()]} data-testid="recover">${a?"Sign in":"The password is lost"}</button></p>`}
    </div>
    ${e?.words&&n`<div class="gate-foot" data-testid="words"><p>This recorder's words: <b>${e.words}</b></p>
      ${e.fingerprint&&n`<details><summary>Fingerprint of its key</summary><p class="wrap">${e.fingerprint}</p></details>`}</div>`}
    <p class="gate-foot">${location.host}</p>
  </main>`}function Ie(){let[e,t]=c(!1),[a,r]=c({});return{busy:e,errors:a,send:async(s,l)=>{let o=Object.fromEntries(Object.entries(s).filter(([,u])=>u));if(r(o),Object.keys(o).length)return Q(Object.keys(o)[0]);t(!0);try{await l()}catch(u){let m=u;r({[m.field??"form"]:m.message}),Q(m.field??"")}finally{t(!1)}}}}var Q=e=>e&&document.getElementById(e)?.focus();async function Ae(e){let t=await g.me().catch(()=>({username:e}));h.value={...t,username:t.username??e}}function Oe({text:e}){return n`<div role="alert">${e&&n`<p class="form-error"><${w} name="warn" />${e}</p>`}</div>`}function Ze({setup:e,onAgain:t}){return n`<div data-testid="setup-closed"><h1>${e.claimed?"Let an admin in":"Claim this recorder"}</h1>
    <p>${e.claimed?"Hold the button of the recorder for 10 seconds. For 15 minutes it then shows a code that makes an admin, or gives one another password.":"The time for setting up is over. Hold the button of the recorder for 10 seconds, or take its power away and bring it back: it then shows a new code, for 15 minutes."}</p>
    <button type="button" class="button primary wide" onClick=${t}>I did</button></div>`}function et({ms:e,onOver:t}){let[a]=c(performance.now()+e+1e3),[r,i]=c(e);return d(()=>{let s=setInterval(()=>i(Math.max(0,a-performance.now())),1e3);return()=>clearInterval(s)},[]),d(()=>{r===0&&t()},[r===0]),n`<p class="muted small" role="timer" data-testid="claim-left">${r>0?`Open for another ${me(r<6e4?r:Math.ceil((r-1e3)/6e4)*6e4)}.`:"The time is over."}</p>`}function tt({again:e,left:t,onOver:a}){let[r,i]=c(""),[s,l]=c(""),[o,u]=c(""),{busy:m,errors:f,send:b}=Ie(),P=y(null);return d(()=>P.current?.focus(),[]),n`<form onSubmit=${M=>{M.preventDefault(),b({code:r.trim()?"":"Enter the code.",username:s.trim()?"":"Choose a user name.",password:[...o].length>=ae?"":`Use at least ${ae} characters.`},async()=>{try{await g.claim(r.trim(),s.trim(),o)}catch(E){throw E instanceof _&&(E.code==="claimed"||E.code==="closed")&&a(),E}await g.me().catch(()=>null)||await g.login(s.trim(),o),await Ae(s.trim())})}} noValidate>
    <h1 ref=${P} tabIndex=${-1}>${e?"Let an admin in":"Claim this recorder"}</h1>
    <p class="lede">${e?"With the name of an admin there is, you give them another password; with a new one you make another admin.":"It is new and belongs to nobody yet."} Its one-time code proves that you stand next to it.</p>
    ${t!==void 0&&n`<${et} ms=${t} onOver=${a} />`}
    <${Oe} text=${f.form} />
    <${A} id="code" label="One-time code" value=${r} onInput=${i} error=${f.code} mono autocomplete="one-time-code" testid="claim-code"
      hint="Printed in the log when the recorder starts, and on the box's screen if it has one." />
    <${A} id="username" label="User name" value=${s} onInput=${l} error=${f.username} autocomplete="username" testid="claim-user" />
    <${A} id="password" label="Password" type="password" value=${o} onInput=${u} error=${f.password} autocomplete="new-password" testid="claim-pass"
      hint="At least ${ae} characters. A few words you can remember are best." />
    <button type="submit" class="button primary wide" disabled=${m} data-testid="claim-submit">${m?"Claiming…":"Claim and sign in"}</button>
  </form>`}function nt(){let[e,t]=c(""),[a,r]=c(""),[i,s]=c(null),[l,o]=c(!1),[u,m]=c(0),{busy:f,errors:b,send:P}=Ie(),S=i!==null;d(()=>{Q(S?"code":"username")},[S]),d(()=>{if(!u)return;let z=setTimeout(()=>m(u-1),1e3);return()=>clearTimeout(z)},[u]);let M=()=>[s(null),r(""),o(!1)],R=()=>{o(!l),s(""),Q("code")};return n`<form onSubmit=${z=>{z.preventDefault(),P({username:e.trim()?"":"Enter your user name.",password:a?"":"Enter your password.",code:i===""?"Enter the code.":""},async()=>{try{await g.login(e.trim(),a,i?.trim())}catch($){if($ instanceof _&&$.wait&&m($.wait),$ instanceof _&&$.code==="second_factor"){if(i===null)return s("");throw new _($.status,$.code,"This code does not hold. One of an app is worth half a minute, and each is taken once.","code")}throw $ instanceof _&&$.code==="bad_credentials"&&M(),$}await Ae(e.trim())})}} noValidate>
    <h1>Sign in</h1>
    ${q.value&&n`<p role="status" data-testid="ended">Your session has ended. Sign in to go on where you were.</p>`}
    <${Oe} text=${u?`Too many attempts. Try again in ${u} s.`:b.form} />
    ${S?n`
      <p role="status">${l?"Type one of the recovery codes you were given. It is used up then.":n`The password of <b>${e.trim()}</b> is right. Now the code that your authenticator app shows.`}</p>
      <${A} id="code" label=${l?"Recovery code":"Code of your app"} value=${i} onInput=${s} error=${b.code} mono
        inputmode=${l?void 0:"numeric"} autocomplete=${l?"off":"one-time-code"} testid="login-code" />`:n`
      <${A} id="username" label="User name" value=${e} onInput=${t} error=${b.username} autocomplete="username" testid="login-user" />
      <${A} id="password" label="Password" type="password" value=${a} onInput=${r} error=${b.password} autocomplete="current-password" testid="login-pass" />`}
    <button type="submit" class="button primary wide" disabled=${f||u>0} data-testid="login-submit">${f?"Signing in…":"Sign in"}</button>
    ${S&&n`<p class="gate-ways"><button type="button" class="linkish" onClick=${R} data-testid="login-recovery">${l?"Use the app":"The app is not at hand"}</button>
      <button type="button" class="linkish" onClick=${M} data-testid="login-back">Another account</button></p>`}
  </form>`}var Pe=[{screen:"live",label:"Live",icon:"live"},{screen:"playback",label:"Playback",icon:"playback"},{screen:"events",label:"Events",icon:"events"},{screen:"cameras",label:"Cameras",icon:"cameras"},{screen:"status",label:"Status",icon:"status"},{screen:"settings",label:"Settings",icon:"settings"}],Ne=e=>e.screen==="settings"&&!$e(h.value?.role)?"Account":e.label,_e=O(()=>import("./part-W7DYFLOK.js").then(e=>e.PlaybackScreen)),Re=O(()=>import("./part-SV7JIBTU.js").then(e=>e.EventsScreen)),ze=O(()=>import("./part-46U3L442.js").then(e=>e.CamerasScreen)),Fe=O(()=>import("./part-R5R7256U.js").then(e=>e.StatusScreen)),Ve=O(()=>import("./part-CXE3G4MN.js").then(e=>e.SettingsScreen)),He=O(()=>import("./part-HNO4SEDR.js").then(e=>e.Help));function Be(){let e=h.value;return d(()=>{let t=()=>g.me().then(a=>h.value=a,a=>{a.status===401||a.status===403||a.status===404?h.value=null:h.value===void 0&&setTimeout(t,2e3)});t()},[]),d(()=>{if(e){q.value=!1,K.open();let t=setTimeout(()=>[_e,Re,ze,Fe,Ve,He].forEach(a=>a.fetch()),1500);return()=>clearTimeout(t)}else K.close(),v.value=oe},[e]),n`
    ${e===void 0?n`<${at} />`:e===null?n`<${Le} />`:n`<${st} />`}
    ${J.value&&n`<${He} />`}
    <${ye} />`}var at=()=>n`<main id="main" class="gate"><div class="gate-brand"><${V} size=${40} /><span class="wordmark">Vedette</span></div>
  <p class="muted" role="status">Opening the panel…</p></main>`;function st(){let e=B.value,t=y(!0);return d(()=>{document.title=`${Ne(Pe.find(a=>a.screen===e.screen))} · Vedette`,t.current?t.current=!1:document.querySelector("#main h1")?.focus({preventScroll:!0})},[e.screen,e.arg,e.part]),n`<div class="shell ${v.value.staleSince!==null?"is-stale":""}">
    <a class="skip" href="#main" onClick=${ot}>Skip to content</a>
    <nav class="rail" aria-label="Main">
      <a class="brand" href="#/live" aria-label="Vedette, to the live view"><${V} size=${28} /></a>
      ${Pe.map(a=>n`<a key=${a.screen} href="#/${a.screen}" class="rail-link" data-testid="nav-${a.screen}" aria-current=${e.screen===a.screen?"page":void 0}>
        <${w} name=${a.icon} size=${22} /><span>${Ne(a)}</span></a>`)}
    </nav>
    <${it} />
    <${ct} />
    <${rt} />
  </div>`}function ot(e){e.preventDefault(),document.querySelector("#main h1")?.focus()}function rt(){if(!v.value.ready)return n`<main id="main" class="screen"><h1 tabIndex=${-1} class="sr">Vedette</h1><p class="muted pad" role="status">Waiting for the recorder…</p></main>`;switch(B.value.screen){case"playback":return n`<${_e} />`;case"events":return n`<${Re} />`;case"cameras":return n`<${ze} />`;case"status":return n`<${Fe} />`;case"settings":return n`<${Ve} />`;default:return n`<${Me} />`}}function it(){let e=re.value,t=e.recording>=e.wanted,a={auto:"dark",dark:"light",light:"auto"},r={auto:"auto",dark:"moon",light:"sun"},i=async()=>{try{await K.aside(async()=>{await g.logout().catch(s=>s.status===401||Promise.reject(s)),h.value=null})}catch(s){F("error",s.message)}};return n`<header class="top">
    <span class="wordmark">Vedette</span>
    ${v.value.ready&&n`<a href="#/status" class="rec ${t?e.wanted?"rec-all":"":"rec-some"}" data-testid="recording-count"
      title="${e.recording} of ${pe(e.wanted,"camera")} recording">
      <i class="glyph ${t?e.wanted?"glyph-recording":"glyph-disabled":"glyph-error"}" aria-hidden="true"></i><b class="mono">${e.recording}/${e.wanted}</b><span class="rec-word">recording</span></a>`}
    <span class="top-gap"></span>
    <${lt} />
    <${p} icon=${r[N.value]} label="Theme: ${N.value==="auto"?"as the system":N.value}" onClick=${()=>N.value=a[N.value]} testid="theme" />
    <${p} icon="keys" label="Keyboard shortcuts" onClick=${()=>J.value=!0} class="wide-only" testid="help" />
    <${p} icon="out" label="Sign out ${h.value?.username??""}" onClick=${i} testid="logout" />
  </header>`}function lt(){let e=C.value,t=v.value;if(!t.ready)return null;let a=t.system.clock?.trusted===!1,r=Math.abs(t.skew)>5e3,i=()=>C.value=e==="utc"?"local":"utc",s=a?"clock not set":r?"differs from this device":"";return n`<button type="button" class="boxclock ${a?"is-bad":r?"is-warn":""}" onClick=${i} data-testid="box-clock"
      title="The recorder's clock, ${de(e)}. Click to switch.">
    ${s&&n`<${w} name="warn" size=${16} />`}
    <span class="boxclock-day">${ue(k.value,e)}</span>
    <b class="mono">${L(k.value,e)}</b><small>${e==="utc"?"UTC":"local"}</small>
    ${s&&n`<span class="sr">, ${s}</span>`}
  </button>`}function ct(){let e=v.value.staleSince;return n`<div class="link" role="status" data-testid="link-banner">${e!==null&&n`<p>
    <i class="spin" aria-hidden="true"></i>${v.value.ready?`Reconnecting… showing state from ${L(e+v.value.skew,C.value)}`:"Connecting…"}</p>`}</div>`}le();he();ve();Object.defineProperty(window,"vedette",{value:Object.freeze({get debug(){return ke()}})});se(n`<${Be} />`,document.getElementById("app"));
