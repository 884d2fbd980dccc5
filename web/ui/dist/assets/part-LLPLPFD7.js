import{c as W}from"./part-Q2VDJSGF.js";import{A as N,B as F,D as I,E as x,H as E,J as H,h as b}from"./part-HAC7SAJG.js";import{a as j,d as R}from"./part-SQOAL4EG.js";import{A as T,C as u,F as L,G as M,H as S,I as q,J as h,K as A,L as z,M as U,b as s,c as i,i as k,m as v,n as C,v as P,w as D,y}from"./part-IKEF62N2.js";function K(e){return{name:e?.name??"",way:e&&!e.vendor?"urls":"vendor",vendor:e?.vendor??"",address:e?.address??"",main:e&&!e.vendor?e.main_url??"":"",sub:e&&!e.vendor?e.sub_url??"":"",user:e?.username??"",pass:"",record:e?.record??!0,audio:e?.audio??!0,volume:e?.volume??"",mirror:e?.mirror??""}}function _(e,t){let r={name:e.name.trim(),vendor:e.way==="vendor"?e.vendor:"",address:e.way==="vendor"?e.address.trim():"",main_url:e.way==="urls"?e.main.trim():"",sub_url:e.way==="urls"?e.sub.trim():"",username:e.user,record:e.record,audio:e.audio,volume:e.volume,mirror:e.mirror},a=t?_(t):{},o={};for(let[n,l]of Object.entries(r))(t?l!==(a[n]??""):l!=="")&&(o[n]=l);return e.pass&&(o.password=e.pass),o}var ae=[{value:"hikvision",label:"Hikvision"},{value:"dahua",label:"Dahua"},{value:"reolink",label:"Reolink"},{value:"axis",label:"Axis"},{value:"amcrest",label:"Amcrest"},{value:"tapo",label:"Tapo"}];function se(e){let t={};return e.name.trim()||(t.name="Give the camera a name."),e.way==="vendor"?(e.vendor||(t.vendor="Choose the maker, or give the stream addresses."),e.address.trim()||(t.address="Enter the camera’s address.")):/^rtsps?:\/\/./i.test(e.main.trim())||(t.main_url="Enter an address that begins with rtsp:// or rtsps://"),t}function V({camera:e}){let[t,r]=i(()=>K(e)),[a,o]=i(t),[n,l]=i({}),[d,g]=i(!1),[m,X]=i(null),c=$=>w=>o(p=>({...p,[$]:w})),Z=async $=>{$.preventDefault();let w=se(a);if(l(w),Object.keys(w).length)return Y(Object.keys(w)[0]);g(!0);try{let p=e??m,f=p?await b.change(p.id,_(a,t)):await b.add(_(a));f?.id&&(v.value=k(v.value,{v:1,t:"camera",d:f},Date.now())),T("good",p?`${a.name.trim()} was saved.`:`${a.name.trim()} was added.`),r({...a,pass:""}),o({...a,pass:""}),e?R("cameras"):X(f)}catch(p){let f=p;l({[f.field??"form"]:f.message}),Y(f.field??"")}finally{g(!1)}},ee=["name","vendor","address","main_url","sub_url","username","password","volume","mirror"],O=Object.entries(n).filter(([$])=>!ee.includes($)).map(([,$])=>$).join(" ");return s`<main id="main" class="screen narrow">
    <header class="screen-head"><a class="ib" href="#/cameras" aria-label="Back to all cameras"><${u} name="back" /></a>
      <h1 tabIndex=${-1}>${e?`Edit ${e.name}`:"Add a camera"}</h1></header>
    <form class="form" onSubmit=${Z} noValidate>
      <div role="alert">${O&&s`<p class="form-error"><${u} name="warn" />${O}</p>`}</div>
      <${h} id="name" label="Name" value=${a.name} onInput=${c("name")} error=${n.name} placeholder="Front door" testid="camera-name" />
      <fieldset><legend>Where it is</legend>
        <${q} label="How to find the camera" testid="camera-way" value=${a.way} onPick=${c("way")}
          options=${[{value:"vendor",label:"By maker"},{value:"urls",label:"By stream address"}]} />
        ${a.way==="vendor"?s`<${te} v=${a} set=${c} errors=${n} />`:s`<${oe} v=${a} set=${c} errors=${n} />`}
      </fieldset>
      <fieldset><legend>How to sign in to it</legend>
        <div class="pair">
          <${h} id="username" label="User name" required=${!1} value=${a.user} onInput=${c("user")} error=${n.username} testid="camera-user" />
          <${h} id="password" label="Password" type="password" required=${!1} value=${a.pass} onInput=${c("pass")} error=${n.password} autocomplete="new-password" testid="camera-pass"
            placeholder=${e?.has_password?"unchanged":""} hint=${e?.has_password?"One is stored. It is never shown; write a new one to replace it.":void 0} />
        </div>
      </fieldset>
      <fieldset><legend>What to keep</legend>
        <${A} id="record" label="Record" hint="Off: live view only." checked=${a.record} onChange=${c("record")} testid="camera-record" />
        <${re} v=${a} set=${c} errors=${n} />
        <${A} id="audio" label="Sound" hint="Kept as the camera sends it." checked=${a.audio} onChange=${c("audio")} testid="camera-audio" />
      </fieldset>
      <div class="form-foot">
        <button type="submit" class="button primary" disabled=${d||y.value} data-testid="camera-save">${d?"Saving…":e||m?"Save":"Add camera"}</button>
        <a class="button" href="#/cameras">${m?"Done":"Cancel"}</a>
      </div>
    </form>
    ${(m??e)&&s`<section class="card" aria-labelledby="test-h"><h2 id="test-h">Connection</h2>
      <p class="muted">${m?"The camera was added. This is what it answers:":"Tests what is saved, not what is typed above."}</p>
      <${B} key=${m?.id??e.id} id=${m?.id??e.id} auto=${!!m} /></section>`}
  </main>`}function te({v:e,set:t,errors:r}){return s`<div class="pair">
    <div class="field ${r.vendor?"field-bad":""}"><label for="vendor">Maker</label>
      <div class="field-box"><select id="vendor" value=${e.vendor} data-testid="camera-vendor" aria-invalid=${r.vendor?"true":void 0} aria-describedby=${r.vendor?"vendor-error":void 0}
        onChange=${a=>t("vendor")(a.target.value)}>
        <option value="" selected=${!e.vendor}>Choose…</option>
        ${ae.map(a=>s`<option value=${a.value} key=${a.value} selected=${e.vendor===a.value}>${a.label}</option>`)}
      </select></div>
      ${r.vendor&&s`<p class="field-error" id="vendor-error"><${u} name="warn" size=${16} />${r.vendor}</p>`}
    </div>
    <${h} id="address" label="Address" value=${e.address} onInput=${t("address")} error=${r.address} mono placeholder="192.168.1.64" testid="camera-address"
      hint="IP address or name; with :port if it is not 554." />
  </div>`}function re({v:e,set:t,errors:r}){let a=(v.value.system.volumes??[]).map(o=>o.name??"").filter(Boolean);return a.length<2||!e.record?null:s`<div class="pair">
    <${G} id="volume" label="Disk" value=${e.volume} onPick=${t("volume")} error=${r.volume} none="Any, by room" names=${a} />
    <${G} id="mirror" label="Second copy" value=${e.mirror} onPick=${t("mirror")} error=${r.mirror} none="None" names=${a.filter(o=>o!==e.volume)} />
  </div>`}function G({id:e,label:t,value:r,onPick:a,error:o,none:n,names:l}){return s`<div class="field ${o?"field-bad":""}"><label for=${e}>${t}</label>
    <div class="field-box"><select id=${e} data-testid="camera-${e}" aria-invalid=${o?"true":void 0} aria-describedby=${o?`${e}-error`:void 0}
      onChange=${d=>a(d.target.value)}>
      <option value="" selected=${!r}>${n}</option>
      ${l.map(d=>s`<option value=${d} key=${d} selected=${r===d}>${d}</option>`)}
    </select></div>
    ${o&&s`<p class="field-error" id="${e}-error"><${u} name="warn" size=${16} />${o}</p>`}
  </div>`}function oe({v:e,set:t,errors:r}){return s`<${h} id="main_url" label="Main stream, recorded" value=${e.main} onInput=${t("main")} error=${r.main_url} mono placeholder="rtsp://192.168.1.64:554/stream1" testid="camera-main-url" />
    <${h} id="sub_url" label="Sub stream, for the grid" required=${!1} value=${e.sub} onInput=${t("sub")} error=${r.sub_url} mono placeholder="rtsp://192.168.1.64:554/stream2" testid="camera-sub-url"
      hint="A smaller H.264 picture. It saves the network and shows where H.265 cannot." />`}var Y=e=>e&&setTimeout(()=>document.getElementById(e)?.focus());function Ne(){let e=D.value,t=j.value.arg,r=e.find(n=>n.id===t),a=E(C.value?.role),o=H(C.value);return t==="new"&&o?s`<${V} key="new" />`:r&&a?s`<${V} key=${r.id} camera=${r} />`:s`<main id="main" class="screen">
    <header class="screen-head"><h1 tabIndex=${-1}>Cameras</h1>
      ${o&&s`<a class="button primary" href="#/cameras/new" data-testid="camera-add"><${u} name="plus" /><span>Add a camera</span></a>`}</header>
    ${e.length===0?s`<${U} title="No cameras yet"><p>${o?"You need the camera's address on your network, its user name and its password.":"Whoever looks after this recorder adds them, or lets you see them."}</p><//>`:s`<ul class="cams">${e.map(n=>s`<${ie} key=${n.id} c=${n} />`)}</ul>`}
  </main>`}function J(e){return[e.codec&&x(e.codec),e.width&&e.height?`${e.width} × ${e.height}`:"",e.fps?`${Math.round(e.fps*10)/10} fps`:"",e.bitrate_bps?N(e.bitrate_bps):""].filter(Boolean).join(" · ")}function ne(e){let t=e.last_written?Date.parse(e.last_written):NaN;return Number.isFinite(t)?`Last recorded ${F(P.value-t)}`:"No picture seen yet"}function ie({c:e}){let[t,r]=i(!1),[a,o]=i(!1);return s`<li class="cam" data-testid="camera-${e.id}">
    <div class="cam-main">
      <h2>${e.name}</h2>
      <${M} state=${e.state} />
      ${e.state_reason&&e.state!=="recording"&&s`<p class="cam-why cam-why-${e.state}">${I(e.state_reason)}</p>`}
      <p class="cam-facts">${L(e)&&J(e)||s`<span class="muted">${ne(e)}</span>`}</p>
      <p class="cam-url mono">${e.main_url||e.address||""}</p>
    </div>
    ${E(C.value?.role)&&s`<div class="cam-tools">
      <${S} icon="probe" label="Test" text onClick=${()=>o(!0)} disabled=${y.value} testid="camera-test-${e.id}" />
      <a class="ib ib-text" href="#/cameras/${encodeURIComponent(e.id)}" data-testid="camera-edit-${e.id}"><${u} name="edit" /><span>Edit</span><span class="sr"> ${e.name}</span></a>
      <${S} icon="trash" label="Remove" text onClick=${()=>r(!0)} disabled=${y.value} testid="camera-delete-${e.id}" />
    </div>`}
    ${a&&s`<${de} c=${e} onClose=${()=>o(!1)} />`}
    ${t&&s`<${ue} c=${e} onClose=${()=>r(!1)} />`}
  </li>`}function de({c:e,onClose:t}){return s`<${z} title="Test ${e.name}" onClose=${t} testid="test-dialog"><${B} id=${e.id} auto /><//>`}function B({id:e,auto:t=!1}){let[r,a]=i(!1),[o,n]=i(null),[l,d]=i(!1),g=async()=>{a(!0),n(null);try{n(await b.test(e))}catch(m){n({ok:!1,reason:m.message})}finally{a(!1)}};return t&&!l&&(d(!0),g()),s`<div class="test" data-testid="test-result" data-ok=${o?String(Q(o)):""}>
    <div role="status" aria-live="polite">
      ${r&&s`<p class="test-wait"><i class="spin" aria-hidden="true"></i>Opening the stream. This takes up to 12 seconds.</p>`}
      ${o&&s`<${me} r=${o} />`}
    </div>
    ${!r&&s`<button type="button" class="button" onClick=${g}>${o?"Test again":"Test the connection"}</button>`}
  </div>`}var Q=e=>e.ok??!(e.error||e.reason);function le(e){return e.reason?e.reason:typeof e.error=="string"?e.error:e.error?.message??"The camera sent no picture."}function me({r:e}){let t=Q(e),r=e.audio===!0?"yes":e.audio?x(e.audio):"none";return s`
    <p class="verdict ${t?"verdict-ok":"verdict-bad"}"><${u} name=${t?"check":"cross"} /><b>${t?"The camera answers and sends a picture":"No picture"}</b></p>
    ${e.steps?.length?s`<ol class="steps">${e.steps.map(a=>s`<li key=${a.name} class=${a.ok?"step-ok":"step-bad"}>
      <${u} name=${a.ok?"check":"cross"} size=${16} /><span><span class="sr">${a.ok?"Passed: ":"Failed: "}</span>${a.name}${a.detail&&s` <em>${a.detail}</em>`}${!a.ok&&a.hint&&s`<small>${a.hint}</small>`}</span>
      ${a.ms!==void 0&&s`<span class="mono muted">${a.ms} ms</span>`}</li>`)}</ol>`:null}
    ${t?s`<dl class="facts"><div><dt>Video</dt><dd>${J(e)||"not reported"}</dd></div><div><dt>Audio</dt><dd>${r}</dd></div>
          ${typeof e.ms=="number"&&s`<div><dt>Took</dt><dd>${(e.ms/1e3).toFixed(1)} s</dd></div>`}</dl>`:s`<p>${I(le(e))}</p>`}`}function ue({c:e,onClose:t}){let r=async()=>{await b.remove(e.id),v.value=k(v.value,{v:1,t:"camera.removed",d:{id:e.id}},Date.now()),T("good",`${e.name} was removed.`),R("cameras")};return s`<${W} title="Remove ${e.name}?" verb="Remove camera" keep="Keep it" waits="Removing…" act=${r} onClose=${t} testid="remove">
    <p>Vedette stops recording this camera and forgets its address and password.</p>
    <p class="muted">Its footage is no longer shown here, and stays on the disk until it is the oldest there. Download what you need first.</p>
  <//>`}export{B as CameraTest,Ne as CamerasScreen,J as facts};
